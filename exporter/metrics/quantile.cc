#include "exporter/metrics/quantile.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

namespace {

double width_of(std::size_t bucket) {
  return bound_of(bucket) - (bucket == 0 ? 0 : bound_of(bucket - 1));
}

// From where to where in their buckets the observations lie, from 0 to 1, if
// it is the same in all: in the middle of it is where the sum says that they
// are on average.
struct Spread {
  double from = 0, to = 1;
};
Spread spread_of(const HistogramSnapshot& histogram) {
  double above = metrics::seconds(histogram.sum);
  double width = 0;
  for (std::size_t i = 0; i < kLatencyBoundsNs.size(); ++i) {
    const double count = static_cast<double>(histogram.counts[i]);
    above -= count * (bound_of(i) - width_of(i));
    width += count * width_of(i);
  }
  if (width <= 0 || histogram.counts.back() > 0) return {};
  const double middle = std::clamp(above / width, 0.0, 1.0);
  return {std::max(0.0, 2 * middle - 1), std::min(1.0, 2 * middle)};
}

// The bucket, and how many of its observations stay below the quantile.
struct Place {
  std::size_t bucket = 0;
  double rest = 0;
};
std::optional<Place> place_of(const HistogramSnapshot& histogram,
                              double share) {
  const std::uint64_t total = histogram.count();
  if (total == 0) return std::nullopt;
  Place place{.rest = static_cast<double>(total) * share};
  while (place.bucket < kLatencyBoundsNs.size()) {
    const double count = static_cast<double>(histogram.counts[place.bucket]);
    if (count >= place.rest) break;
    place.rest -= count;
    ++place.bucket;
  }
  return place;
}

}  // namespace

void add_to(HistogramSnapshot& sum, const HistogramSnapshot& more) {
  for (std::size_t i = 0; i < sum.counts.size(); ++i) {
    sum.counts[i] += more.counts[i];
  }
  sum.sum += more.sum;
}

HistogramSnapshot difference(const HistogramSnapshot& now,
                             const HistogramSnapshot& before) {
  HistogramSnapshot result = now;
  for (std::size_t i = 0; i < result.counts.size(); ++i) {
    result.counts[i] -= before.counts[i];
  }
  result.sum -= before.sum;
  return result;
}

double bound_of(std::size_t bucket) noexcept {
  const std::size_t last = kLatencyBoundsNs.size() - 1;
  return metrics::seconds(
      std::chrono::nanoseconds(kLatencyBoundsNs[std::min(bucket, last)]));
}

std::optional<std::size_t> quantile_bucket(const HistogramSnapshot& histogram,
                                           double share) noexcept {
  const auto place = place_of(histogram, share);
  if (!place) return std::nullopt;
  return place->bucket;
}

std::optional<double> quantile(const HistogramSnapshot& histogram,
                               double share) noexcept {
  const auto place = place_of(histogram, share);
  if (!place) return std::nullopt;
  const auto [bucket, rest] = *place;
  if (bucket == kLatencyBoundsNs.size()) return bound_of(bucket);
  const double in_bucket = static_cast<double>(histogram.counts[bucket]);
  const double part = in_bucket > 0 ? rest / in_bucket : 1;
  const auto [from, to] = spread_of(histogram);
  return bound_of(bucket) - width_of(bucket) * (1 - from - (to - from) * part);
}

}  // namespace dbpool::exporter
