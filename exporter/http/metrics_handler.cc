#include "exporter/http/metrics_handler.h"

#include <cassert>
#include <iterator>
#include <utility>

#include "exporter/http/text_format.h"

namespace dbpool::exporter {

void MetricsPage::add(std::shared_ptr<::prometheus::Collectable> collector) {
  assert(collector != nullptr);
  const std::lock_guard lock(mutex_);
  collectors_.push_back(std::move(collector));
}

std::string MetricsPage::text() const {
  std::vector<std::shared_ptr<::prometheus::Collectable>> collectors;
  {
    const std::lock_guard lock(mutex_);
    collectors = collectors_;
  }
  std::vector<::prometheus::MetricFamily> families;
  for (const auto& collector : collectors) {
    auto some = collector->Collect();
    families.insert(families.end(), std::make_move_iterator(some.begin()),
                    std::make_move_iterator(some.end()));
  }
  std::string page =
      to_prometheus_text(families, last_size_.load(std::memory_order_relaxed));
  last_size_.store(page.size(), std::memory_order_relaxed);
  return page;
}

Route metrics_route(std::string path, std::shared_ptr<const MetricsPage> page) {
  return {.path = std::move(path),
          .name = "metrics",
          .handler = [page = std::move(page)](const Request&) -> Response {
            return {.content_type = std::string(kPrometheusText),
                    .body = page->text()};
          }};
}

}  // namespace dbpool::exporter
