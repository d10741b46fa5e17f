#include "exporter/http/http_metrics.h"

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

void HttpMetrics::tell(metrics::Sink& sink) const {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, number] : requests_) {
      sink.add(metrics::kHttpRequests,
               {{"handler", key.first}, {"code", std::to_string(key.second)}},
               static_cast<double>(number));
    }
  }
  for (const auto& [handler, histogram] : durations_) {
    sink.add(metrics::kHttpRequestDuration, {{"handler", handler}},
             histogram->snapshot());
  }
  sink.add(metrics::kHttpRequestsInFlight, {},
           static_cast<double>(in_flight_.load()));
}

}  // namespace dbpool::exporter
