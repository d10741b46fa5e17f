#include "dbpool/prometheus/pool_collector.h"

#include <utility>

#include "dbpool/pool.h"
#include "exporter/family_sink.h"
#include "exporter/pool_metrics.h"

namespace dbpool::prometheus {

PoolCollector::PoolCollector(const Pool& pool, PoolKind kind)
    : PoolCollector([&pool] { return pool.stats(); }, kind) {}

PoolCollector::PoolCollector(std::function<PoolStats()> snapshot, PoolKind kind)
    : snapshot_(std::move(snapshot)), kind_(kind) {}

std::vector<::prometheus::MetricFamily> PoolCollector::Collect() const {
  return metrics::families_of(PoolMetrics(snapshot_, kind_));
}

}  // namespace dbpool::prometheus
