// Metrics as families of prometheus-cpp, for registries of embedders.
#ifndef DBPOOL_EXPORTER_METRICS_FAMILY_SINK_H_
#define DBPOOL_EXPORTER_METRICS_FAMILY_SINK_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "exporter/metrics/metric_sink.h"

namespace dbpool::metrics {

// Labels' values are made valid UTF-8.
class FamilySink final : public Sink {
 public:
  void add(const MetricInfo& info, Labels labels, double value) override;
  void add(const MetricInfo& info, Labels labels,
           const HistogramSnapshot& histogram) override;

  // What was told so far, one family for each metric; forgets it.
  std::vector<::prometheus::MetricFamily> take();

 private:
  ::prometheus::ClientMetric& append(const MetricInfo& info, Labels labels);

  std::vector<::prometheus::MetricFamily> families_;
};

std::vector<::prometheus::MetricFamily> families_of(const Source& source);

}  // namespace dbpool::metrics

#endif  // DBPOOL_EXPORTER_METRICS_FAMILY_SINK_H_
