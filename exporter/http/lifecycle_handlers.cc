#include "exporter/http/lifecycle_handlers.h"

#include <chrono>
#include <memory>
#include <utility>

#include "dbpool/options.h"
#include "exporter/logging/rate_limiter.h"

namespace dbpool::exporter {

namespace {

constexpr Duration kReloadPause = std::chrono::seconds(1);

}  // namespace

Route healthy_route() {
  return {.path = "/-/healthy",
          .name = "healthy",
          .handler = [](const Request&) -> Response {
            return {.body = "healthy\n"};
          },
          .limited = false,
          .is_health = true};
}

Route ready_route(std::function<bool()> is_ready) {
  return {
      .path = "/-/ready",
      .name = "ready",
      .handler = [is_ready = std::move(is_ready)](const Request&) -> Response {
        if (is_ready()) return {.body = "ready\n"};
        return {.status = 503, .body = "starting, or shutting down\n"};
      },
      .limited = false,
      .is_health = true};
}

Route reload_route(std::function<std::vector<std::string>()> reload) {
  const auto limiter = std::make_shared<RateLimiter>(kReloadPause, 1);
  const auto answer = [reload = std::move(reload), limiter](const Request&) {
    if (!limiter->admit("", Clock::now())) {
      return Response{.status = 429,
                      .body = "429: one reload a second\n",
                      .headers = {{"Retry-After", "1"}}};
    }
    const auto mistakes = reload();
    if (mistakes.empty()) return Response{.body = "reloaded\n"};
    std::string body = "500: nothing is reloaded\n";
    for (const std::string& line : mistakes) body += line + "\n";
    return Response{.status = 500, .body = std::move(body)};
  };
  return {.path = "/-/reload",
          .name = "reload",
          .handler = answer,
          .method = "POST"};
}

std::vector<Route> no_reload_routes() {
  std::vector<Route> routes;
  for (const char* method : {"GET", "POST"}) {
    routes.push_back({.path = "/-/reload",
                      .name = std::string(kOtherHandler),
                      .handler = [](const Request&) -> Response {
                        return {.status = 404,
                                .body =
                                    "404: reloading by HTTP is not enabled; "
                                    "--web.enable-lifecycle enables it\n"};
                      },
                      .method = method});
  }
  return routes;
}

}  // namespace dbpool::exporter
