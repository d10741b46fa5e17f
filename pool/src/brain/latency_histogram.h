// LatencyHistogram: counts of durations in the buckets of kLatencyBoundsNs,
// upper bounds included, and their sum.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_BRAIN_LATENCY_HISTOGRAM_H_
#define DBPOOL_POOL_SRC_BRAIN_LATENCY_HISTOGRAM_H_

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "dbpool/stats.h"
#include "pool/src/brain/time_integral.h"

namespace dbpool::detail {

class LatencyHistogram {
 public:
  // A negative duration counts as 0.
  void observe(std::chrono::nanoseconds duration) noexcept {
    duration = std::max(duration, std::chrono::nanoseconds(0));
    ++counts_[bucket_of(duration)];
    sum_.add(1, duration);
  }

  HistogramSnapshot snapshot() const noexcept {
    return {.counts = counts_, .sum = sum_.total()};
  }

 private:
  static std::size_t bucket_of(std::chrono::nanoseconds duration) noexcept {
    // From below: most durations are short, and the branch is foreseen.
    const auto bound = std::find_if(
        kLatencyBoundsNs.begin(), kLatencyBoundsNs.end(),
        [&](std::int64_t most) { return duration.count() <= most; });
    return static_cast<std::size_t>(bound - kLatencyBoundsNs.begin());
  }

  decltype(HistogramSnapshot::counts) counts_ = {};
  TimeIntegral sum_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_LATENCY_HISTOGRAM_H_
