#include "exporter/health.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
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

bool has_failed(const std::optional<ProbeStats>& probe) {
  return probe && !probe->succeeded.value_or(true);
}

bool has_opened_since(const HealthFacts& facts, const ProbeStats& probe) {
  return facts.stats.opened > probe.pool.opened && !facts.stats.backing_off;
}

bool has_granted_since(const HealthFacts& facts, const ProbeStats& probe) {
  return progress_of(facts.stats).granted > probe.pool.granted;
}

bool connect_fails(const HealthFacts& facts) {
  return has_failed(facts.connect) && !has_opened_since(facts, *facts.connect);
}

bool select_fails(const HealthFacts& facts) {
  if (!has_failed(facts.select)) return false;
  return !facts.select->last_failure.acquire_failure ||
         !has_granted_since(facts, *facts.select);
}

bool server_fails(const HealthFacts& facts) {
  if (!has_failed(facts.server)) return false;
  const Error& failure = facts.server->last_failure;
  const bool had_no_connection =
      failure.connect_failure ||
      failure.statement_failure == StatementFailure::kConnectionLost;
  return !had_no_connection || !has_opened_since(facts, *facts.server);
}

// The connection probe failed, and nothing newer says otherwise.
bool unreachable(const HealthFacts& facts) {
  if (!connect_fails(facts)) return false;
  const bool outdated = facts.select &&
                        facts.select->succeeded.value_or(false) &&
                        facts.select->finished_at > facts.connect->finished_at;
  return !outdated;
}

// Neither a new session nor an old one serves. A pool that hands leases on is
// exhausted at most, and so is a database whose slots are full.
bool hangs(const HealthFacts& facts) {
  if (!unreachable(facts) || !select_fails(facts)) return false;
  if (facts.connect->last_failure.connect_failure ==
      ConnectFailure::kTooManyConnections) {
    return false;
  }
  return !facts.select->last_failure.acquire_failure ||
         !has_granted_since(facts, *facts.connect);
}

// Why no session can be had; the pool tries more often than the probe does.
const std::string& newest_failure(const HealthFacts& facts) {
  const LastFailure& of_pool = facts.stats.last_failure;
  const bool is_newer =
      facts.stats.backing_off ||
      (of_pool.seen && facts.now - of_pool.ago > facts.connect->finished_at);
  return is_newer ? of_pool.message : facts.connect->last_failure.message;
}

// "3 of 5 acquires failed within the last 10 s: 2 timeout_capacity, 1
// queue_full"; empty when none did. A database that is down, a caller that
// gave up and a pool that is closed have reasons of their own.
std::string recent_failures(const AcquireCounts& recent) {
  constexpr std::array kCounted = {
      AcquireFailure::kTimeoutCapacity, AcquireFailure::kQueueFull,
      AcquireFailure::kTimeoutOpening, AcquireFailure::kServerSlots};
  std::uint64_t failed = 0;
  std::string split;
  for (const AcquireFailure failure : kCounted) {
    const auto number = recent.failures[static_cast<std::size_t>(failure)];
    if (number == 0) continue;
    failed += number;
    split += split.empty() ? ": " : ", ";
    split += std::to_string(number) + ' ';
    split += to_string(failure);
  }
  if (failed == 0) return "";
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(kRecent).count();
  return std::to_string(failed) + " of " + std::to_string(recent.acquires) +
         " acquires failed within the last " + std::to_string(seconds) + " s" +
         split;
}

struct Verdict {
  HealthStatus status = HealthStatus::kOk;
  std::string why = {};
};

Verdict down(std::string why) { return {HealthStatus::kDown, std::move(why)}; }

Verdict degraded(std::string why) {
  return {HealthStatus::kDegraded, std::move(why)};
}

Verdict judge_waits(const PoolStats& stats) {
  if (stats.oldest_waiting_age < kLongWait) return {};
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
  return {};
}

Verdict judge(const HealthFacts& facts) {
  const PoolStats& stats = facts.stats;
  if (stats.closed) return down("the pool is closed");
  if (live_connections(stats) == 0 &&
      (stats.backing_off || unreachable(facts))) {
    return down(newest_failure(facts));
  }
  if (hangs(facts)) return down(facts.connect->last_failure.message);
  if (std::string why = recent_failures(facts.recent); !why.empty()) {
    return degraded(std::move(why));
  }
  if (Verdict waits = judge_waits(stats); waits.status != HealthStatus::kOk) {
    return waits;
  }
  // Sessions that are there may go on for long while no new one can be had.
  if (connect_fails(facts)) {
    return degraded(facts.connect->last_failure.message);
  }
  if (select_fails(facts)) return degraded(facts.select->last_failure.message);
  if (server_fails(facts)) return degraded(facts.server->last_failure.message);
  return {};
}

}  // namespace

PoolHealth judge_health(HealthFacts facts) {
  Verdict verdict = judge(facts);
  return {verdict.status, std::move(verdict.why), std::move(facts.stats)};
}

}  // namespace dbpool::exporter
