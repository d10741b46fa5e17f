// PoolStats as JSON, in the words that Node services' getPoolStats() uses.
#ifndef DBPOOL_EXPORTER_HTTP_POOL_JSON_H_
#define DBPOOL_EXPORTER_HTTP_POOL_JSON_H_

#include <nlohmann/json_fwd.hpp>

#include "dbpool/connection_stats.h"
#include "dbpool/stats.h"

namespace dbpool::exporter {

// {"totalConnections":15,"idleConnections":12,"waitingRequests":0}
nlohmann::ordered_json brief_stats_json(const PoolStats& stats);

// The same with the whole split, the limits, the ages in seconds and the
// counters. Strings are valid UTF-8.
nlohmann::ordered_json full_stats_json(const PoolStats& stats);

// One connection: its state, its holder, its last statement. Times in seconds;
// what is not known is left out. Strings are valid UTF-8.
nlohmann::ordered_json connection_json(const ConnectionStats& connection);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_POOL_JSON_H_
