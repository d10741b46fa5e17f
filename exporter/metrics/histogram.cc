#include "exporter/metrics/histogram.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace dbpool::exporter {

std::size_t bucket_of(Duration duration) noexcept {
  const std::int64_t value =
      std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  const auto* bound =
      std::lower_bound(kLatencyBoundsNs.begin(), kLatencyBoundsNs.end(), value);
  return static_cast<std::size_t>(bound - kLatencyBoundsNs.begin());
}

void Histogram::observe(Duration duration) noexcept {
  const Duration counted = std::max(duration, Duration::zero());
  const std::size_t bucket = bucket_of(counted);
  const std::lock_guard lock(mutex_);
  ++counted_.counts[bucket];
  counted_.sum += counted;
}

HistogramSnapshot Histogram::snapshot() const noexcept {
  const std::lock_guard lock(mutex_);
  return counted_;
}

}  // namespace dbpool::exporter
