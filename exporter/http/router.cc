#include "exporter/http/router.h"

#include <algorithm>
#include <cassert>
#include <exception>
#include <utility>

#include "exporter/base/at_end.h"

namespace dbpool::exporter {

namespace {

std::vector<std::string> names_of(const std::vector<Route>& routes) {
  std::vector<std::string> names;
  names.reserve(routes.size());
  for (const Route& route : routes) names.push_back(route.name);
  return names;
}

bool takes(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

}  // namespace

Router::Router(std::vector<Route> routes, std::uint32_t max_requests,
               Logger& log, Gate gate)
    : routes_(std::move(routes)),
      max_requests_(max_requests),
      log_(log),
      gate_(std::move(gate)),
      metrics_(std::make_shared<HttpMetrics>(names_of(routes_))) {}

void Router::serve(const Request& request, const Write& write) {
  const TimePoint start = Clock::now();
  metrics_->begin();
  const AtEnd end{[this] { metrics_->end(); }};
  const auto answer = [&](const Match& match, const Response& response) {
    const std::string_view name =
        match.on_path == nullptr ? kOtherHandler : match.on_path->name;
    metrics_->count(name, response.status, Clock::now() - start);
    write(response);
  };
  const Match match = find(request);
  if (const auto stopped = stopped_at_gate(match, request)) {
    answer(match, *stopped);
    return;
  }
  if (!request.path.starts_with('/') && !is_taken(request.method)) {
    answer(match, not_allowed(""));
    return;
  }
  if (match.on_path == nullptr) {
    answer(match, {.status = 404, .body = "404: no such page\n"});
    return;
  }
  if (match.route == nullptr) {
    answer(match, not_allowed(request.path));
    return;
  }
  answer(match, match.route->limited ? run_limited(*match.route, request)
                                     : run(*match.route, request));
}

// The place is free again before the answer is written, which takes as long as
// the client likes.
Response Router::run_limited(const Route& route, const Request& request) {
  const std::uint32_t before = limited_in_flight_.fetch_add(1);
  const AtEnd leave{[this] { limited_in_flight_.fetch_sub(1); }};
  if (before >= max_requests_) {
    return {.status = 503,
            .body = "503: too many requests at once\n",
            .headers = {{"Retry-After", "1"}}};
  }
  return run(route, request);
}

std::optional<Response> Router::stopped_at_gate(const Match& match,
                                                const Request& request) {
  if (!gate_) return std::nullopt;
  return gate_(request, match.route != nullptr && match.route->is_health);
}

Router::Match Router::find(const Request& request) const noexcept {
  Match match;
  for (const Route& route : routes_) {
    if (route.path != request.path) continue;
    if (match.on_path == nullptr) match.on_path = &route;
    if (takes(route, request.method)) {
      match.route = match.on_path = &route;
      break;
    }
  }
  return match;
}

bool Router::is_taken(std::string_view method) const noexcept {
  return std::ranges::any_of(
      routes_, [method](const Route& route) { return takes(route, method); });
}

Response Router::not_allowed(std::string_view path) const {
  std::string allow;
  for (const Route& route : routes_) {
    if (!path.empty() && route.path != path) continue;
    const std::string methods =
        route.method == "GET" ? "GET, HEAD" : route.method;
    if (allow.find(methods) != std::string::npos) continue;
    allow.append(allow.empty() ? "" : ", ").append(methods);
  }
  return {.status = 405,
          .body = "405: expected " + allow + "\n",
          .headers = {{"Allow", allow}}};
}

Response Router::run(const Route& route, const Request& request) {
  std::string what;
  try {
    return route.handler(request);
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
    what = "not a std::exception";
  }
  log_.limited(LogLevel::kError, "http handler " + route.name,
               "an HTTP handler failed",
               {{"handler", route.name}, {"error", what}});
  return {.status = 500, .body = "500: internal error, see the log\n"};
}

}  // namespace dbpool::exporter
