// A pool's snapshot as metrics: all dbpool_* but those of probes, workload
// and server.
#ifndef DBPOOL_EXPORTER_METRICS_POOL_METRICS_H_
#define DBPOOL_EXPORTER_METRICS_POOL_METRICS_H_

#include <functional>
#include <utility>

#include "dbpool/prometheus/pool_collector.h"
#include "dbpool/stats.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::prometheus {

// Counters and histograms with closed label sets are told from the start;
// `query` when a name was seen.
class PoolMetrics final : public metrics::Source {
 public:
  // `snapshot` is called once a scrape, from any thread.
  PoolMetrics(std::function<PoolStats()> snapshot, PoolKind kind)
      : snapshot_(std::move(snapshot)), kind_(kind) {}

  void tell(metrics::Sink& sink) const override;

 private:
  const std::function<PoolStats()> snapshot_;
  const PoolKind kind_;
};

}  // namespace dbpool::prometheus

#endif  // DBPOOL_EXPORTER_METRICS_POOL_METRICS_H_
