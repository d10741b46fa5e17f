#include "exporter/live/live_json.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "exporter/base/utf8.h"
#include "exporter/diagnosis/words.h"
#include "exporter/http/pool_json.h"
#include "exporter/http/report_json.h"

namespace dbpool::exporter {

namespace {

using Json = nlohmann::ordered_json;
using WallTime = std::chrono::system_clock::time_point;

// A number of the page is no longer than it says something.
double rounded(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", number);
  return std::strtod(text.data(), nullptr);
}

std::int64_t milliseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             time.time_since_epoch())
      .count();
}

Json verdict_json(const LiveVerdict& live) {
  Json json = {{"cause", to_string(live.verdict.cause)},
               {"headline", headline(live.verdict.cause)},
               {"finding", to_utf8(live.verdict.finding)},
               {"action", to_utf8(live.verdict.action)},
               {"since", milliseconds(live.since)}};
  if (live.offered_load) {
    json["offeredLoad"] = rounded(*live.offered_load);
  }
  if (live.recommended_max) {
    json["recommendedMax"] = *live.recommended_max;
  }
  if (!live.bound.empty()) json["bound"] = to_utf8(live.bound);
  return json;
}

Json reports_json(const std::vector<ReportPtr>& reports) {
  Json json = Json::array();
  for (const ReportPtr& report : reports) {
    json.push_back({{"number", report->number},
                    {"takenAt", milliseconds(report->taken_at)},
                    {"finding", to_utf8(report->verdict.finding)}});
  }
  return json;
}

// Those who hold a connection, for longest first.
std::vector<const ConnectionStats*> holders_of(const LivePool& pool) {
  std::vector<const ConnectionStats*> holders;
  for (const ConnectionStats& connection : pool.connections) {
    if (connection.state == ConnectionState::kActive) {
      holders.push_back(&connection);
    }
  }
  std::ranges::stable_sort(holders, std::ranges::greater{},
                           &ConnectionStats::in_state);
  return holders;
}

// The holder's backend as the database told of it, if of this very lease.
const Backend* backend_of(const ConnectionStats& holder,
                          const LiveVerdict& live, WallTime now) {
  if (live.database == nullptr || holder.backend_pid == 0 ||
      now - holder.in_state > live.asked_at) {
    return nullptr;
  }
  return live.database->find(holder.backend_pid);
}

class HoldersJson {
 public:
  HoldersJson(const LivePool& pool, WallTime now)
      : holders_(holders_of(pool)), live_(pool.verdict), now_(now) {
    if (holders_.size() > kShownHolders) {
      more_ = holders_.size() - kShownHolders;
      holders_.resize(kShownHolders);
    }
  }

  void add_to(Json& json) {
    json["holders"] = Json::array();
    for (const ConnectionStats* holder : holders_) {
      json["holders"].push_back(holder_json(*holder));
    }
    json["moreHolders"] = more_;
    json["blockers"] = blockers_json();
    if (!blockers_.empty()) json["locksSeenAt"] = milliseconds(live_.asked_at);
  }

 private:
  Json holder_json(const ConnectionStats& holder) {
    Json json = connection_json(holder);
    const Backend* backend = backend_of(holder, live_, now_);
    if (backend == nullptr || backend->blockers.empty()) return json;
    json["blockedBy"] = backend->blockers;
    blockers_.insert(backend->blockers.begin(), backend->blockers.end());
    return json;
  }

  // Also who blocks those: they come after whom they block.
  Json blockers_json() {
    Json json = Json::array();
    if (blockers_.empty()) return json;
    for (const Backend& backend : live_.database->backends) {
      const bool is_holder =
          std::ranges::any_of(holders_, [&](const ConnectionStats* holder) {
            return holder->backend_pid == backend.pid;
          });
      if (!is_holder && blockers_.contains(backend.pid)) {
        blockers_.insert(backend.blockers.begin(), backend.blockers.end());
        json.push_back(backend_json(backend));
      }
    }
    return json;
  }

  std::vector<const ConnectionStats*> holders_;
  const LiveVerdict& live_;
  const WallTime now_;
  std::size_t more_ = 0;
  std::set<int> blockers_;
};

template <typename Values>
Json numbers(const Values& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(rounded(value));
  return json;
}

}  // namespace

Json live_pool_json(const LivePool& pool, WallTime now) {
  const PoolStats& stats = pool.health.stats;
  Json json = {{"name", to_utf8(stats.name)},
               {"database", to_utf8(stats.user + "@" + stats.host + ":" +
                                    stats.port + "/" + stats.database)},
               {"health",
                {{"status", to_string(pool.health.status)},
                 {"reason", to_utf8(redact(pool.health.reason))}}},
               {"verdict", verdict_json(pool.verdict)},
               {"stats", full_stats_json(stats)}};
  HoldersJson(pool, now).add_to(json);
  json["reports"] = reports_json(pool.reports);
  return json;
}

Json sample_json(const Sample& sample) {
  Json json = {{"time", milliseconds(sample.at)},
               {"connections", sample.connections},
               {"max", sample.max_connections},
               {"waiting", sample.waiting},
               {"oldestWaiting", rounded(sample.oldest_waiting)},
               {"acquires", rounded(sample.acquires)},
               {"failures", rounded(sample.failures)},
               {"waits", nullptr},
               {"queries", Json::array()}};
  if (sample.waits) {
    json["waits"] = numbers(std::array{sample.waits->p50, sample.waits->p99,
                                       sample.waits->longest});
  }
  for (const auto& latency : sample.queries) {
    json["queries"].push_back(
        latency ? numbers(std::array{latency->mean, latency->p99}) : Json());
  }
  return json;
}

}  // namespace dbpool::exporter
