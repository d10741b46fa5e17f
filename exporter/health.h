// Health: one word on a pool for GET /health, and why.
//
// The first row that fits:
//
//   status    when
//   down      the pool is closed
//   down      no live connection (idle, active or being checked), and the
//             last opening or connection probe failed
//   down      the connection probe failed and select_1 fails too (a database
//             that hangs keeps its connections alive)
//   degraded  requests wait for capacity or server slots for kLongWait
//   degraded  a probe fails
//   ok        otherwise
//
// A run of select_1 that succeeded after the connection probe failed
// outdates that failure: the database is back, and the next connection probe
// may be 15 s away. What is not known yet counts for nothing.
#ifndef DBPOOL_EXPORTER_HEALTH_H_
#define DBPOOL_EXPORTER_HEALTH_H_

#include <chrono>
#include <optional>

#include "dbpool/stats.h"
#include "exporter/http/health_handler.h"
#include "exporter/probes/probe_runner.h"

namespace dbpool::exporter {

// A shorter wait is how a busy pool works.
inline constexpr Duration kLongWait = std::chrono::seconds(1);

// What has been found; nullopt for a probe that is off.
struct HealthFacts {
  PoolStats stats;
  std::optional<ProbeStats> connect, select, server;
};

// A pure function; any thread. The reason is redacted.
PoolHealth judge_health(HealthFacts facts);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HEALTH_H_
