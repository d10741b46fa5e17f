#include "exporter/http/lifecycle_handlers.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

#include "dbpool/options.h"

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
        return {.status = 503, .body = "shutting down\n"};
      },
      .limited = false,
      .is_health = true};
}

Route reload_route(std::function<std::vector<std::string>()> reload) {
  struct Turn {
    std::mutex mutex;
    TimePoint next{};  // guarded by mutex
  };
  const auto answer = [reload = std::move(reload),
                       turn = std::make_shared<Turn>()](const Request&) {
    {
      const std::lock_guard lock(turn->mutex);
      const TimePoint now = Clock::now();
      if (now < turn->next) {
        return Response{.status = 429,
                        .body = "429: one reload a second\n",
                        .headers = {{"Retry-After", "1"}}};
      }
      turn->next = now + kReloadPause;
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

}  // namespace dbpool::exporter
