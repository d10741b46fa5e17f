// What the live page shows, as JSON.
//
// Thread-safety: plain values and pure functions.
#ifndef DBPOOL_EXPORTER_LIVE_LIVE_JSON_H_
#define DBPOOL_EXPORTER_LIVE_LIVE_JSON_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "dbpool/connection_stats.h"
#include "exporter/diagnosis/exhaustion_watch.h"
#include "exporter/http/health_handler.h"
#include "exporter/live/history.h"

namespace dbpool::exporter {

// Holders that are told of at once: those who have held for longest.
inline constexpr std::size_t kShownHolders = 50;

// One pool as it is now.
struct LivePool {
  PoolHealth health;
  LiveVerdict verdict;
  std::vector<ConnectionStats> connections;
  std::vector<ReportPtr> reports;  // the newest first
};

// {"name":…,"database":"user@host:5432/orders","health":{…},"verdict":{…},
//  "stats":{…},"holders":[…],"moreHolders":0,"blockers":[…],"locksSeenAt":…,
//  "reports":[…]}
// Who blocks a holder is what the database said last, as long as the same lease
// is out: "blockedBy" of it, "blockers" who are no holders of this pool. Times
// are in milliseconds since 1970.
// Strings are valid UTF-8, and nothing more: whoever shows them must escape.
nlohmann::ordered_json live_pool_json(
    const LivePool& pool, std::chrono::system_clock::time_point now);

// Numbers have four digits; what is not known is null.
nlohmann::ordered_json sample_json(const Sample& sample);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LIVE_LIVE_JSON_H_
