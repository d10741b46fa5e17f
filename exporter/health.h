// Health: one word on a pool for GET /health, and why.
//
// The first row that fits:
//
//   status    when
//   down      the pool is closed
//   down      no live connection (idle, active or being checked), and the
//             last opening or connection probe failed
//   down      the connection probe failed and select_1 fails too (a database
//             that hangs keeps its connections alive); not when the server
//             answered that its slots are full
//   degraded  acquires failed within the last kRecent: for capacity, a full
//             queue, openings that took long, or server slots
//   degraded  a request has waited for kLongWait
//   degraded  a probe fails, one that the operator wrote included
//   ok        otherwise
//
// The reason tells the numbers: how many acquires failed, how many requests
// wait and since when, which probe fails and with what error.
//
// A probe's failure counts until something newer says otherwise, since its
// next run may be 15 s away:
//
//   failed                           outdated when, after it ended,
//   connect; server, which had or    the pool opened a connection, and does
//   got no connection                not back off now
//   connect, for `down`              select_1 succeeded
//   select_1, which got no lease     the pool granted an acquire; for `down`
//                                    since the connection probe ended
//
// What is not known yet counts for nothing.
#ifndef DBPOOL_EXPORTER_HEALTH_H_
#define DBPOOL_EXPORTER_HEALTH_H_

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dbpool/options.h"
#include "dbpool/stats.h"
#include "exporter/http/health_handler.h"
#include "exporter/metrics/recent_acquires.h"
#include "exporter/probes/probe_runner.h"

namespace dbpool::exporter {

// A shorter wait is how a busy pool works.
inline constexpr Duration kLongWait = std::chrono::seconds(1);

// What has been found; nullopt for a probe that is off. The probes are asked
// before the pool is.
struct HealthFacts {
  PoolStats stats;
  TimePoint now;         // of stats
  AcquireCounts recent;  // up to stats
  std::optional<ProbeStats> connect, select, server;
  // By name; those that the operator wrote.
  std::vector<std::pair<std::string, ProbeStats>> custom = {};
};

// A pure function; any thread. The reason is redacted.
PoolHealth judge_health(HealthFacts facts);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HEALTH_H_
