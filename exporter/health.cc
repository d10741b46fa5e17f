#include "exporter/health.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace dbpool::exporter {

namespace {

std::uint32_t count(const PoolStats& stats, ConnectionState state) {
  return stats.connections[static_cast<std::size_t>(state)];
}

std::uint32_t live_connections(const PoolStats& stats) {
  return count(stats, ConnectionState::kChecking) +
         count(stats, ConnectionState::kIdle) +
         count(stats, ConnectionState::kActive);
}

bool waits_for(const PoolStats& stats, WaitReason reason) {
  return stats.waiting[static_cast<std::size_t>(reason)] > 0;
}

bool succeeds(const std::optional<ProbeStats>& probe) {
  return probe && probe->succeeded.value_or(false);
}

bool fails(const std::optional<ProbeStats>& probe) {
  return probe && !probe->succeeded.value_or(true);
}

// The connection probe failed, and nothing newer says otherwise.
bool unreachable(const HealthFacts& facts) {
  if (!fails(facts.connect)) return false;
  const bool outdated = succeeds(facts.select) &&
                        facts.select->finished_at > facts.connect->finished_at;
  return !outdated;
}

struct Verdict {
  HealthStatus status = HealthStatus::kOk;
  std::string why = {};
};

Verdict down(std::string why) { return {HealthStatus::kDown, std::move(why)}; }

Verdict degraded(std::string why) {
  return {HealthStatus::kDegraded, std::move(why)};
}

Verdict judge(const HealthFacts& facts) {
  const PoolStats& stats = facts.stats;
  if (stats.closed) return down("the pool is closed");
  if (live_connections(stats) == 0) {
    if (unreachable(facts)) return down(facts.connect->last_error);
    if (stats.backing_off) return down(stats.last_failure.message);
  }
  if (unreachable(facts) && fails(facts.select)) {
    return down(facts.connect->last_error);
  }
  if (stats.oldest_waiting_age >= kLongWait) {
    if (waits_for(stats, WaitReason::kCapacity)) {
      return degraded("the pool is exhausted: requests wait for a connection");
    }
    if (waits_for(stats, WaitReason::kServerSlots)) {
      return degraded("the database refuses more connections");
    }
    if (waits_for(stats, WaitReason::kBackendDown)) {
      return degraded("requests wait for a database that is down");
    }
    if (waits_for(stats, WaitReason::kOpening)) {
      return degraded("requests wait for connections that take long to open");
    }
  }
  // Sessions that are there may go on for long while no new one can be had.
  if (fails(facts.connect)) return degraded(facts.connect->last_error);
  if (fails(facts.select)) return degraded(facts.select->last_error);
  if (fails(facts.server)) return degraded(facts.server->last_error);
  return {};
}

}  // namespace

PoolHealth judge_health(HealthFacts facts) {
  Verdict verdict = judge(facts);
  return {verdict.status, std::move(verdict.why), std::move(facts.stats)};
}

}  // namespace dbpool::exporter
