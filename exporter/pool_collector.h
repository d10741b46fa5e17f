// PoolStats as Prometheus families.
#ifndef DBPOOL_PROMETHEUS_POOL_COLLECTOR_H_
#define DBPOOL_PROMETHEUS_POOL_COLLECTOR_H_

#include <prometheus/collectable.h>

#include <functional>
#include <vector>

#include "dbpool/stats.h"

namespace dbpool::prometheus {

// One pool's snapshot, turned into families at each scrape.
//
// Thread-safety: collect from any thread when `snapshot` may be called from
// any thread. Never blocks longer than `snapshot` does.
class PoolCollector : public ::prometheus::Collectable {
 public:
  explicit PoolCollector(std::function<PoolStats()> snapshot);

  // The name is prometheus-cpp's.
  std::vector<::prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<PoolStats()> snapshot_;
};

}  // namespace dbpool::prometheus

#endif  // DBPOOL_PROMETHEUS_POOL_COLLECTOR_H_
