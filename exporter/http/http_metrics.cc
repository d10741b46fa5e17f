#include "exporter/http/http_metrics.h"

#include "exporter/families.h"

namespace dbpool::exporter {

HttpMetrics::HttpMetrics(const std::vector<std::string>& handlers) {
  for (const std::string& handler : handlers) {
    durations_.emplace(handler, std::make_unique<Histogram>());
  }
  durations_.emplace(kOtherHandler, std::make_unique<Histogram>());
}

void HttpMetrics::count(std::string_view handler, int code, Duration duration) {
  auto found = durations_.find(handler);
  if (found == durations_.end()) found = durations_.find(kOtherHandler);
  found->second->observe(duration);
  const std::lock_guard lock(mutex_);
  ++requests_[{found->first, code}];
}

std::vector<::prometheus::MetricFamily> HttpMetrics::Collect() const {
  auto requests = metrics::make_family(metrics::kHttpRequests);
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, number] : requests_) {
      metrics::add(
          requests,
          {{"handler", key.first}, {"code", std::to_string(key.second)}},
          static_cast<double>(number));
    }
  }
  auto duration = metrics::make_family(metrics::kHttpRequestDuration);
  for (const auto& [handler, histogram] : durations_) {
    metrics::add(duration, {{"handler", handler}}, histogram->snapshot());
  }
  auto in_flight = metrics::make_family(metrics::kHttpRequestsInFlight);
  metrics::add(in_flight, {}, static_cast<double>(in_flight_.load()));
  return {std::move(requests), std::move(duration), std::move(in_flight)};
}

}  // namespace dbpool::exporter
