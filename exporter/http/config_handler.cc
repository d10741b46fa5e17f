#include "exporter/http/config_handler.h"

#include <utility>

namespace dbpool::exporter {

Route config_route(std::function<std::string()> text) {
  // As plain text browsers show it.
  return {.path = "/config",
          .name = "config",
          .handler = [text = std::move(text)](const Request&) -> Response {
            return {.body = text()};
          }};
}

}  // namespace dbpool::exporter
