// /metrics: what all sources tell, as one page.
#ifndef DBPOOL_EXPORTER_HTTP_METRICS_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_METRICS_HANDLER_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exporter/http/router.h"
#include "exporter/http/text_page.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

// Thread-safety: any thread. Scrapes run beside each other.
class MetricsPage {
 public:
  // Adds a source; the page's order is that of adding.
  void add(std::shared_ptr<const metrics::Source> source);

  // Asks every source once. Throws what a source throws.
  std::string text() const;

 private:
  // What a scrape needs: the sources, and a page that no other writes.
  struct Turn {
    std::vector<std::shared_ptr<const metrics::Source>> sources;
    std::unique_ptr<TextPage> page;
  };
  Turn begin() const;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::shared_ptr<const metrics::Source>> sources_;
  // As many as scrapes ever ran at once.
  mutable std::vector<std::unique_ptr<TextPage>> pages_;
};

// A source that throws costs the scrape a 500, so that Prometheus shows `up`
// 0 rather than half a page.
Route metrics_route(std::string path, std::shared_ptr<const MetricsPage> page);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_METRICS_HANDLER_H_
