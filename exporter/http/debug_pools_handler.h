// /debug/pools: who holds each connection, since when, and what runs on it.
#ifndef DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_HANDLER_H_

#include <functional>
#include <vector>

#include "dbpool/connection_stats.h"
#include "dbpool/stats.h"
#include "exporter/http/router.h"

namespace dbpool::exporter {

// One pool, and its connections a moment later.
struct PoolHolders {
  PoolStats stats;
  std::vector<ConnectionStats> connections;
};

// HTML for people; JSON for who prefers it by Accept, or asks for it by
// ?format=json:
// {"pools":{"default":{"totalConnections":2, …,
//   "connections":[{"state":"active","tag":"checkout", …}]}}}
// `ask` is called from any thread and must not block on the database.
Route debug_pools_route(std::function<std::vector<PoolHolders>()> ask);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_HANDLER_H_
