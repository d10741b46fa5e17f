// /health: is the service's way to the database well?
#ifndef DBPOOL_EXPORTER_HTTP_HEALTH_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_HEALTH_HANDLER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/stats.h"
#include "exporter/http/router.h"

namespace dbpool::exporter {

enum class HealthStatus : std::uint8_t { kOk, kDegraded, kDown };  // to worse

// "ok", "degraded", "down".
std::string_view to_string(HealthStatus status) noexcept;

struct PoolHealth {
  HealthStatus status = HealthStatus::kOk;
  std::string reason = {};  // why it is not ok, one redacted line; else empty
  PoolStats stats;
};

// The worst of them; ok when there is none.
HealthStatus worst(const std::vector<PoolHealth>& pools) noexcept;

// {"status":"ok","timestamp":"2024-01-15T10:30:00.000Z",
//  "service":"dbpool_exporter","version":"0.1.0",
//  "pools":{"default":{"status":"ok","totalConnections":15,
//                      "idleConnections":12,"waitingRequests":0}}}
// A pool that is not ok has its "reason" too. 503 when the worst is down,
// otherwise 200. Does not count against the limit of requests.
Route health_route(std::function<std::vector<PoolHealth>()> ask);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_HEALTH_HANDLER_H_
