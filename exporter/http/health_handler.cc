#include "exporter/http/health_handler.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "dbpool/version.h"
#include "exporter/base/utf8.h"
#include "exporter/http/pool_json.h"
#include "exporter/logging/timestamp.h"

namespace dbpool::exporter {

std::string_view to_string(HealthStatus status) noexcept {
  switch (status) {
    case HealthStatus::kOk:
      return "ok";
    case HealthStatus::kDegraded:
      return "degraded";
    case HealthStatus::kDown:
      return "down";
  }
  return "down";
}

HealthStatus worst(const std::vector<PoolHealth>& pools) noexcept {
  HealthStatus result = HealthStatus::kOk;
  for (const PoolHealth& pool : pools) result = std::max(result, pool.status);
  return result;
}

namespace {

Response answer(const std::vector<PoolHealth>& pools) {
  const HealthStatus status = worst(pools);
  nlohmann::ordered_json body = {
      {"status", to_string(status)},
      {"timestamp", rfc3339_utc(std::chrono::system_clock::now())},
      {"service", "dbpool_exporter"},
      {"version", version()}};
  nlohmann::ordered_json& members = body["pools"];
  members = nlohmann::ordered_json::object();
  for (const PoolHealth& pool : pools) {
    nlohmann::ordered_json member = {{"status", to_string(pool.status)}};
    member.update(brief_stats_json(pool.stats));
    if (!pool.reason.empty()) {
      member["reason"] = to_utf8(redact(pool.reason));
    }
    members[to_utf8(pool.stats.name)] = std::move(member);
  }
  return {.status = status == HealthStatus::kDown ? 503 : 200,
          .content_type = std::string(kJsonType),
          .body = body.dump(2) + "\n"};
}

}  // namespace

Route health_route(std::function<std::vector<PoolHealth>()> ask) {
  return {.path = "/health",
          .name = "health",
          .handler =
              [ask = std::move(ask)](const Request&) { return answer(ask()); },
          .limited = false};
}

}  // namespace dbpool::exporter
