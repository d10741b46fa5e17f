#include "exporter/pool_collector.h"

#include <prometheus/metric_family.h>

#include <utility>

namespace dbpool::prometheus {

PoolCollector::PoolCollector(std::function<PoolStats()> snapshot)
    : snapshot_(std::move(snapshot)) {}

std::vector<::prometheus::MetricFamily> PoolCollector::Collect() const {
  const PoolStats stats = snapshot_();

  ::prometheus::ClientMetric metric;
  metric.label.push_back({"pool", stats.name});
  metric.gauge.value = stats.total;

  ::prometheus::MetricFamily total;
  total.name = "dbpool_total_connections";
  total.help = "Connections of the pool, in whatever state.";
  total.type = ::prometheus::MetricType::Gauge;
  total.metric.push_back(std::move(metric));
  return {std::move(total)};
}

}  // namespace dbpool::prometheus
