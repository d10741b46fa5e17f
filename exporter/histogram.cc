#include "exporter/histogram.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

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

::prometheus::ClientMetric to_client_metric(const HistogramSnapshot& snapshot) {
  ::prometheus::ClientMetric metric;
  auto& histogram = metric.histogram;
  histogram.bucket.reserve(snapshot.counts.size());
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
    below += snapshot.counts[i];
    // A quotient of two exact doubles: it prints as 0.0025, not 0.00249….
    const double bound = i < kLatencyBoundsNs.size()
                             ? static_cast<double>(kLatencyBoundsNs[i]) / 1e9
                             : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({below, bound});
  }
  histogram.sample_count = below;
  histogram.sample_sum = static_cast<double>(snapshot.sum.count()) / 1e9;
  return metric;
}

}  // namespace dbpool::exporter
