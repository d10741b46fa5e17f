// Histogram: durations observed from any thread, in the bounds of every
// duration metric. metrics::Sink::add() takes its snapshot.
#ifndef DBPOOL_EXPORTER_METRICS_HISTOGRAM_H_
#define DBPOOL_EXPORTER_METRICS_HISTOGRAM_H_

#include <cstddef>
#include <mutex>

#include "dbpool/options.h"
#include "dbpool/stats.h"

namespace dbpool::exporter {

// Thread-safety: every member function is safe from any number of threads.
// Each holds an uncontended lock for some ten nanoseconds, so that a
// snapshot's buckets and sum always belong together.
class Histogram {
 public:
  // Counts `duration` in the first bucket whose bound is not below it.
  // Negative durations count as zero.
  void observe(Duration duration) noexcept;

  HistogramSnapshot snapshot() const noexcept;

 private:
  mutable std::mutex mutex_;
  HistogramSnapshot counted_;  // guarded by mutex_
};

// The index in HistogramSnapshot::counts where `duration` belongs.
std::size_t bucket_of(Duration duration) noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_METRICS_HISTOGRAM_H_
