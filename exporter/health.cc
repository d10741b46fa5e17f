#include "exporter/health.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
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

// Of a probe that goes through the pool.
bool pooled_fails(const HealthFacts& facts, const ProbeStats& probe) {
  if (probe.succeeded.value_or(true)) return false;
  return !probe.last_failure.acquire_failure ||
         !has_granted_since(facts, probe);
}

bool select_fails(const HealthFacts& facts) {
  return facts.select && pooled_fails(facts, *facts.select);
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

// "the pool is exhausted: 3 requests wait, the oldest for 2.3 s"; nullopt when
// nobody waits for that.
std::optional<Verdict> judge_wait(const PoolStats& stats, WaitReason reason,
                                  std::string_view what) {
  const auto number = stats.waiting[static_cast<std::size_t>(reason)];
  if (number == 0) return std::nullopt;
  std::array<char, 64> waits;
  std::snprintf(
      waits.data(), waits.size(), ": %u request%s, the oldest for %.1f s",
      number, number == 1 ? " waits" : "s wait",
      std::chrono::duration<double>(stats.oldest_waiting_age).count());
  return degraded(std::string(what) + waits.data());
}

std::optional<Verdict> judge_waits(const PoolStats& stats) {
  if (stats.oldest_waiting_age < kLongWait) return std::nullopt;
  constexpr std::array<std::pair<WaitReason, std::string_view>, 4> kReasons = {{
      {WaitReason::kCapacity, "the pool is exhausted"},
      {WaitReason::kServerSlots, "the database refuses more connections"},
      {WaitReason::kBackendDown, "the database is down"},
      {WaitReason::kOpening, "connections take long to open"},
  }};
  for (const auto& [reason, what] : kReasons) {
    if (auto verdict = judge_wait(stats, reason, what)) return verdict;
  }
  return std::nullopt;
}

Verdict failing(std::string_view probe, const ProbeStats& stats) {
  return degraded("the probe " + std::string(probe) +
                  " fails: " + stats.last_failure.message);
}

Verdict judge(const HealthFacts& facts) {
  const PoolStats& stats = facts.stats;
  if (stats.closed) return down("the pool is closed");
  if (live_connections(stats) == 0 &&
      (stats.backing_off || unreachable(facts))) {
    return down(newest_failure(facts));
  }
  if (hangs(facts)) {
    return down("the probes connect and select_1 fail: " +
                facts.connect->last_failure.message);
  }
  if (std::string why = recent_failures(facts.recent); !why.empty()) {
    return degraded(std::move(why));
  }
  if (auto waits = judge_waits(stats)) return *std::move(waits);
  // Sessions that are there may go on for long while no new one can be had.
  if (connect_fails(facts)) return failing("connect", *facts.connect);
  if (select_fails(facts)) return failing("select_1", *facts.select);
  if (server_fails(facts)) return failing("server", *facts.server);
  for (const auto& [name, probe] : facts.custom) {
    if (pooled_fails(facts, probe)) return failing(name, probe);
  }
  return {};
}

}  // namespace

PoolHealth judge_health(HealthFacts facts) {
  Verdict verdict = judge(facts);
  return {verdict.status, std::move(verdict.why), std::move(facts.stats)};
}

}  // namespace dbpool::exporter
