// /debug/pools: who holds each connection, since when, and what runs on it;
// and the last exhaustion reports.
#ifndef DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_HANDLER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "dbpool/connection_stats.h"
#include "dbpool/stats.h"
#include "exporter/diagnosis/exhaustion_watch.h"
#include "exporter/http/router.h"

namespace dbpool::exporter {

// One pool, and its connections a moment later; why requests wait, as of the
// last second.
struct PoolHolders {
  PoolStats stats;
  std::vector<ConnectionStats> connections;
  Verdict verdict;
};

// HTML for people; JSON for who prefers it by Accept, or asks for it by
// ?format=json:
// {"pools":{"default":{"totalConnections":2, …,
//   "verdict":{"cause":"leak","finding":…,"action":…},
//   "connections":[{"state":"active","tag":"checkout", …}]}},
//  "reports":[{"number":1,"takenAt":…,"cause":…,"finding":…,"action":…}]}
// ?report=N shows one of the exhaustion reports whole; 404 when it is not kept
// (any more). Both are called from any thread and must not block on the
// database. `reports`: the newest first.
Route debug_pools_route(std::function<std::vector<PoolHolders>()> ask,
                        std::function<std::vector<ReportPtr>()> reports);

// POST /debug/report has a report taken soon of each pool, or with ?pool=NAME
// of that one, and tells the numbers at once. `take` is called with the name,
// from any thread; it must not block on the database, and gives nothing when
// there is no such pool: 404.
using TakeReports = std::function<std::vector<std::uint64_t>(
    std::optional<std::string_view> pool)>;
Route take_report_route(TakeReports take);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_HANDLER_H_
