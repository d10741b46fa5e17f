#include "exporter/metrics/recent_acquires.h"

#include <algorithm>

namespace dbpool::exporter {

void RecentAcquires::sample(const PoolStats& stats) {
  const std::lock_guard lock(mutex_);
  if (samples_.size() == kRecentSamples) samples_.pop_front();
  samples_.push_back({stats.acquires, stats.acquire_failures});
}

AcquireCounts RecentAcquires::until(const PoolStats& stats) const {
  AcquireCounts counts{stats.acquires, stats.acquire_failures};
  const std::lock_guard lock(mutex_);
  if (samples_.size() < kRecentSamples) return counts;
  // A sample may be newer than a snapshot that was taken before it.
  const auto take = [](std::uint64_t& from, std::uint64_t what) {
    from -= std::min(from, what);
  };
  const AcquireCounts& before = samples_.front();
  take(counts.acquires, before.acquires);
  for (std::size_t i = 0; i < kAcquireFailureCount; ++i) {
    take(counts.failures[i], before.failures[i]);
  }
  return counts;
}

}  // namespace dbpool::exporter
