#include "exporter/stats_log.h"

#include <stop_token>
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

StatsLog::StatsLog(Logger& log, std::function<PoolStats()> snapshot,
                   Duration interval)
    : log_(log),
      snapshot_(std::move(snapshot)),
      interval_(interval),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

void StatsLog::loop(const std::stop_token& stop) {
  for (TimePoint next = Clock::now() + interval_;; next += interval_) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, stop, next, [] { return false; });
    }
    if (stop.stop_requested()) return;
    write_line(log_, snapshot_());
  }
}

}  // namespace dbpool::exporter
