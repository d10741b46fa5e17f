#include "exporter/http/stats_handler.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "exporter/base/utf8.h"
#include "exporter/http/pool_json.h"

namespace dbpool::exporter {

Route stats_route(std::function<std::vector<PoolStats>()> snapshot) {
  return {
      .path = "/stats",
      .name = "stats",
      .handler = [snapshot = std::move(snapshot)](const Request&) -> Response {
        auto pools = nlohmann::ordered_json::object();
        for (const PoolStats& stats : snapshot()) {
          pools[to_utf8(stats.name)] = full_stats_json(stats);
        }
        return {.content_type = std::string(kJsonType),
                .body = pools.dump(2) + "\n"};
      }};
}

}  // namespace dbpool::exporter
