#include "exporter/metrics/family_sink.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "exporter/base/utf8.h"

namespace dbpool::metrics {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;

ClientMetric& FamilySink::append(const MetricInfo& info, Labels labels) {
  // From the end, since the series of a metric mostly come in a row.
  auto found = std::find_if(
      families_.rbegin(), families_.rend(),
      [&](const MetricFamily& family) { return family.name == info.name; });
  if (found == families_.rend()) {
    MetricFamily& family = families_.emplace_back();
    family.name = info.name;
    family.help = info.help;
    family.type = info.type;
    found = families_.rbegin();
  }
  ClientMetric& metric = found->metric.emplace_back();
  metric.label.reserve(labels.size());
  for (const Label& label : labels) {
    metric.label.push_back({std::string(label.name), to_utf8(label.value)});
  }
  return metric;
}

void FamilySink::add(const MetricInfo& info, Labels labels, double value) {
  ClientMetric& metric = append(info, labels);
  if (info.type == kCounter) {
    metric.counter.value = value;
  } else {
    assert(info.type == kGauge);
    metric.gauge.value = value;
  }
}

void FamilySink::add(const MetricInfo& info, Labels labels,
                     const HistogramSnapshot& histogram) {
  assert(info.type == kHistogram);
  auto& result = append(info, labels).histogram;
  result.bucket.reserve(histogram.counts.size());
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    cumulative += histogram.counts[i];
    const double bound =
        i < kLatencyBoundsNs.size()
            ? seconds(std::chrono::nanoseconds(kLatencyBoundsNs[i]))
            : std::numeric_limits<double>::infinity();
    result.bucket.push_back({cumulative, bound});
  }
  result.sample_count = cumulative;
  result.sample_sum = seconds(histogram.sum);
}

std::vector<MetricFamily> FamilySink::take() {
  return std::exchange(families_, {});
}

std::vector<MetricFamily> families_of(const Source& source) {
  FamilySink sink;
  source.tell(sink);
  return sink.take();
}

}  // namespace dbpool::metrics
