#include "exporter/logging/stats_log.h"

#include <utility>

namespace dbpool::exporter {

namespace {

std::uint32_t count(const PoolStats& stats, ConnectionState state) {
  return stats.connections[static_cast<std::size_t>(state)];
}

void write_line(Logger& log, const PoolStats& stats) {
  log.info("Pool stats",
           {{"pool", stats.name},
            {"totalConnections", stats.total},
            {"idleConnections", count(stats, ConnectionState::kIdle)},
            {"waitingRequests", stats.waiting_total},
            {"activeConnections", count(stats, ConnectionState::kActive)},
            {"maxConnections", stats.max_connections},
            {"waitingRequestsPeak", stats.waiting_peak}});
}

}  // namespace

StatsLog::StatsLog(Logger& log,
                   std::function<std::vector<PoolStats>()> snapshot,
                   Duration interval)
    : ticker_(interval, [&log, snapshot = std::move(snapshot)] {
        for (const PoolStats& stats : snapshot()) write_line(log, stats);
      }) {}

}  // namespace dbpool::exporter
