// /metrics: what all collectors say, as one page.
#ifndef DBPOOL_EXPORTER_HTTP_METRICS_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_METRICS_HANDLER_H_

#include <prometheus/collectable.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exporter/http/router.h"

namespace dbpool::exporter {

// Thread-safety: any thread. Scrapes run beside each other.
class MetricsPage {
 public:
  // Adds a collector; the page's order is that of adding.
  void add(std::shared_ptr<::prometheus::Collectable> collector);

  // Asks every collector once. Throws what a collector throws.
  std::string text() const;

 private:
  // Bytes of the last page: the next one is about as long.
  mutable std::atomic<std::size_t> last_size_{0};

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::shared_ptr<::prometheus::Collectable>> collectors_;
};

// A collector that throws costs the scrape a 500, so that Prometheus shows
// `up` 0 rather than half a page.
Route metrics_route(std::string path, std::shared_ptr<const MetricsPage> page);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_METRICS_HANDLER_H_
