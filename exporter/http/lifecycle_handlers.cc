#include "exporter/http/lifecycle_handlers.h"

#include <utility>

namespace dbpool::exporter {

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

}  // namespace dbpool::exporter
