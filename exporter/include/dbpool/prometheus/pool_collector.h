// PoolCollector: a pool's snapshot as Prometheus families.
//
// This is all that a service needs which embeds the pool and has a registry
// or an exposer of prometheus-cpp already:
//
//   auto collector =
//       std::make_shared<dbpool::prometheus::PoolCollector>(pool);
//   exposer.RegisterCollectable(collector);
//
// The collector asks the pool at each scrape: the pool must outlive it, and
// must not be moved from while it lives.
//
// Inside namespace dbpool write ::prometheus for prometheus-cpp's names.
#ifndef DBPOOL_PROMETHEUS_POOL_COLLECTOR_H_
#define DBPOOL_PROMETHEUS_POOL_COLLECTOR_H_

#include <prometheus/collectable.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "dbpool/stats.h"

namespace dbpool {
class Pool;
}

namespace dbpool::prometheus {

class PoolMetrics;

// The label `kind` of dbpool_pool_info.
enum class PoolKind : std::uint8_t {
  kEmbedded,  // the pool that serves a service's own requests
  kCanary,    // a pool beside the service: sees no queue inside it
};

// One pool, turned into families at each scrape: one snapshot a scrape, so
// that all values on a page belong together. All dbpool_* metrics but those
// of probes, workload and server. Counters and histograms with closed label
// sets are there from the start; `query` appears when a name was seen.
//
// Thread-safety: Collect() from any thread. It blocks no longer than
// Pool::stats() does: microseconds, and never for the database. Throws only
// std::bad_alloc and what `snapshot` throws.
class PoolCollector : public ::prometheus::Collectable {
 public:
  // Keeps a reference to `pool`.
  explicit PoolCollector(const Pool& pool, PoolKind kind = PoolKind::kEmbedded);
  // `snapshot` is called once a scrape, from any thread.
  explicit PoolCollector(std::function<PoolStats()> snapshot,
                         PoolKind kind = PoolKind::kEmbedded);
  ~PoolCollector() override;

  // The name is prometheus-cpp's.
  std::vector<::prometheus::MetricFamily> Collect() const override;

 private:
  const std::unique_ptr<const PoolMetrics> metrics_;
};

}  // namespace dbpool::prometheus

#endif  // DBPOOL_PROMETHEUS_POOL_COLLECTOR_H_
