#include "dbpool/prometheus/pool_collector.h"

#include <utility>

#include "dbpool/pool.h"
#include "exporter/metrics/family_sink.h"
#include "exporter/metrics/pool_metrics.h"

namespace dbpool::prometheus {

PoolCollector::PoolCollector(const Pool& pool, PoolKind kind)
    : PoolCollector([&pool] { return pool.stats(); }, kind) {}

PoolCollector::PoolCollector(std::function<PoolStats()> snapshot, PoolKind kind)
    : metrics_(std::make_unique<const PoolMetrics>(std::move(snapshot), kind)) {
}

PoolCollector::~PoolCollector() = default;

std::vector<::prometheus::MetricFamily> PoolCollector::Collect() const {
  return metrics::families_of(*metrics_);
}

}  // namespace dbpool::prometheus
