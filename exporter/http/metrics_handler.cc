#include "exporter/http/metrics_handler.h"

#include <cassert>
#include <utility>

namespace dbpool::exporter {

void MetricsPage::add(std::shared_ptr<const metrics::Source> source) {
  assert(source != nullptr);
  const std::lock_guard lock(mutex_);
  sources_.push_back(std::move(source));
}

std::string MetricsPage::text() const {
  // A page that a source left half-written is not used again.
  Turn turn = begin();
  for (const auto& source : turn.sources) source->tell(*turn.page);
  std::string text = turn.page->take();
  const std::lock_guard lock(mutex_);
  pages_.push_back(std::move(turn.page));
  return text;
}

MetricsPage::Turn MetricsPage::begin() const {
  const std::lock_guard lock(mutex_);
  Turn turn{sources_, nullptr};
  if (pages_.empty()) {
    turn.page = std::make_unique<TextPage>();
  } else {
    turn.page = std::move(pages_.back());
    pages_.pop_back();
  }
  return turn;
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
