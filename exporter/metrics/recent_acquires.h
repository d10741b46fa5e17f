// RecentAcquires: how many acquires ended lately, and how many of them failed
// for what; the pool counts from its start only.
//
// It remembers the pool's counters as they were at the last few samples; what
// has been counted since the oldest is recent. With a sample each
// kRecentSampleInterval that is a time between kRecent less an interval and
// kRecent.
#ifndef DBPOOL_EXPORTER_METRICS_RECENT_ACQUIRES_H_
#define DBPOOL_EXPORTER_METRICS_RECENT_ACQUIRES_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"

namespace dbpool::exporter {

inline constexpr Duration kRecentSampleInterval = std::chrono::seconds(2);
inline constexpr std::size_t kRecentSamples = 5;
inline constexpr Duration kRecent = kRecentSamples * kRecentSampleInterval;

// As PoolStats counts them.
struct AcquireCounts {
  std::uint64_t acquires = 0;  // finished, failed ones included
  std::array<std::uint64_t, kAcquireFailureCount> failures = {};
};

// Thread-safety: any thread.
class RecentAcquires {
 public:
  // To be called each kRecentSampleInterval.
  void sample(const PoolStats& stats);

  // What `stats`, a snapshot of now, counts beyond the oldest sample; beyond
  // nothing while there are less than kRecentSamples.
  AcquireCounts until(const PoolStats& stats) const;

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<AcquireCounts> samples_;  // the oldest first
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_METRICS_RECENT_ACQUIRES_H_
