// /stats: getPoolStats() of node-postgres services, for each pool.
#ifndef DBPOOL_EXPORTER_HTTP_STATS_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_STATS_HANDLER_H_

#include <functional>
#include <vector>

#include "dbpool/stats.h"
#include "exporter/http/router.h"

namespace dbpool::exporter {

// {"default":{"totalConnections":15,"idleConnections":12,
//             "waitingRequests":0, …}}, keyed by the pool's name. `snapshot`
// is called from any thread and must not block on the database.
Route stats_route(std::function<std::vector<PoolStats>()> snapshot);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_STATS_HANDLER_H_
