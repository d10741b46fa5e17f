// How metrics are told: a source names each series with its value, a sink
// makes of them what is wanted, the text of a page or prometheus-cpp's
// families.
//
// Nothing is allocated on the way: names and labels are views that live as
// long as the call.
#ifndef DBPOOL_EXPORTER_METRICS_METRIC_SINK_H_
#define DBPOOL_EXPORTER_METRICS_METRIC_SINK_H_

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "dbpool/stats.h"
#include "exporter/metrics/metric_names.h"

namespace dbpool::metrics {

struct Label {
  std::string_view name;
  std::string_view value;  // anything: the sink escapes it
};
// In the order in which they are shown. A view: to be passed on, not kept.
class Labels {
 public:
  Labels(std::initializer_list<Label> labels)  // NOLINT: as in a call
      : labels_(labels.begin(), labels.size()) {}
  Labels(const std::vector<Label>& labels)  // NOLINT: likewise
      : labels_(labels) {}

  auto begin() const noexcept { return labels_.begin(); }
  auto end() const noexcept { return labels_.end(); }
  std::size_t size() const noexcept { return labels_.size(); }

 private:
  std::span<const Label> labels_;
};

inline double seconds(std::chrono::nanoseconds duration) noexcept {
  return std::chrono::duration<double>(duration).count();
}

// Thread-safety: none; a sink belongs to one scrape.
class Sink {
 public:
  // One series of a counter or a gauge. Series of one metric need not come in
  // a row; metrics are shown in the order of their first series.
  virtual void add(const MetricInfo& info, Labels labels, double value) = 0;
  // One series of a histogram: cumulative buckets, the last one +Inf, the sum
  // in seconds.
  virtual void add(const MetricInfo& info, Labels labels,
                   const HistogramSnapshot& histogram) = 0;

 protected:
  ~Sink() = default;
};

// What has metrics.
class Source {
 public:
  virtual ~Source() = default;
  // Tells all of its series, as they are now. From any thread, also from
  // several at once. What it throws costs the scrape.
  virtual void tell(Sink& sink) const = 0;
};

}  // namespace dbpool::metrics

#endif  // DBPOOL_EXPORTER_METRICS_METRIC_SINK_H_
