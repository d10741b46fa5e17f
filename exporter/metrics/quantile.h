// What a share of a histogram's observations stayed below.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_METRICS_QUANTILE_H_
#define DBPOOL_EXPORTER_METRICS_QUANTILE_H_

#include <cstddef>
#include <optional>

#include "dbpool/stats.h"

namespace dbpool::exporter {

void add_to(HistogramSnapshot& sum, const HistogramSnapshot& more);

// What came between two snapshots.
HistogramSnapshot difference(const HistogramSnapshot& now,
                             const HistogramSnapshot& before);

// The upper bound of a bucket in seconds; 60 for the unbounded one, too.
double bound_of(std::size_t bucket) noexcept;

// The bucket that the quantile is in; nullopt when there are no observations.
std::optional<std::size_t> quantile_bucket(const HistogramSnapshot& histogram,
                                           double share) noexcept;

// The quantile of what a histogram has, in seconds; 60 for what is in the
// unbounded bucket. nullopt when there are none. As Prometheus'
// histogram_quantile() it has the observations of a bucket spread evenly, but
// only over that part of all buckets that the sum allows: requests that time
// out after 5 s do not look as if they waited for 10.
std::optional<double> quantile(const HistogramSnapshot& histogram,
                               double share) noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_METRICS_QUANTILE_H_
