#include "exporter/families.h"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "exporter/utf8.h"

namespace dbpool::metrics {

using ::prometheus::ClientMetric;
using ::prometheus::MetricType;

Family make_family(const MetricInfo& info) {
  Family family;
  family.name = info.name;
  family.help = info.help;
  family.type = info.type;
  return family;
}

void add(Family& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    assert(family.type == MetricType::Gauge);
    metric.gauge.value = value;
  }
  family.metric.push_back(std::move(metric));
}

void add(Family& family, Labels labels, const HistogramSnapshot& histogram) {
  assert(family.type == MetricType::Histogram);
  ClientMetric metric;
  metric.label = std::move(labels);
  auto& buckets = metric.histogram.bucket;
  buckets.reserve(histogram.counts.size());
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    cumulative += histogram.counts[i];
    const double bound =
        i < kLatencyBoundsNs.size()
            ? seconds(std::chrono::nanoseconds(kLatencyBoundsNs[i]))
            : std::numeric_limits<double>::infinity();
    buckets.push_back({cumulative, bound});
  }
  metric.histogram.sample_count = cumulative;
  metric.histogram.sample_sum = seconds(histogram.sum);
  family.metric.push_back(std::move(metric));
}

Labels with(const Labels& labels, std::string_view name,
            std::string_view value) {
  Labels result;
  result.reserve(labels.size() + 1);
  result = labels;
  result.push_back({std::string(name), to_utf8(value)});
  return result;
}

}  // namespace dbpool::metrics
