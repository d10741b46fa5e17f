#include "exporter/http/pool_json.h"

#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "exporter/base/holders.h"
#include "exporter/base/utf8.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

namespace {

using Json = nlohmann::ordered_json;

// {"<word of the enumerator>": value, …} for an array indexed by Enum.
template <typename Enum, typename Value, std::size_t kSize>
Json by_word(const std::array<Value, kSize>& values) {
  Json result = Json::object();
  for (std::size_t i = 0; i < kSize; ++i) {
    result[std::string(to_string(static_cast<Enum>(i)))] = values[i];
  }
  return result;
}

std::uint32_t at(const PoolStats& stats, ConnectionState state) {
  return stats.connections[static_cast<std::size_t>(state)];
}

template <typename Value, std::size_t kSize>
std::uint64_t sum(const std::array<Value, kSize>& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

}  // namespace

Json brief_stats_json(const PoolStats& stats) {
  return {{"totalConnections", stats.total},
          {"idleConnections", at(stats, ConnectionState::kIdle)},
          {"waitingRequests", stats.waiting_total}};
}

Json full_stats_json(const PoolStats& stats) {
  Json json = brief_stats_json(stats);
  json["activeConnections"] = at(stats, ConnectionState::kActive);
  json["connectionsByState"] = by_word<ConnectionState>(stats.connections);
  json["waitingRequestsByReason"] = by_word<WaitReason>(stats.waiting);
  json["waitingRequestsPeak"] = stats.waiting_peak;
  json["maxConnections"] = stats.max_connections;
  json["minConnections"] = stats.min_connections;
  json["maxWaitingRequests"] = stats.max_waiting_requests;
  json["oldestWaitingRequestAgeSeconds"] =
      metrics::seconds(stats.oldest_waiting_age);
  json["oldestLeaseAgeSeconds"] = metrics::seconds(stats.oldest_lease_age);
  json["overdueLeases"] = stats.overdue_leases;
  json["exhaustedSeconds"] = metrics::seconds(stats.exhausted_time);
  json["acquires"] = stats.acquires;
  json["acquiresWaited"] = stats.acquires_waited;
  json["acquireFailures"] = sum(stats.acquire_failures);
  json["connectionsOpened"] = stats.opened;
  json["connectionFailures"] = sum(stats.connect_failures);
  json["connectionsClosed"] = sum(stats.closed_by_reason);
  json["leaksSuspected"] = stats.leaks_suspected;
  json["dirtyReturns"] = stats.dirty_returns;
  json["closed"] = stats.closed;
  if (stats.last_failure.seen) {
    json["lastConnectionFailure"] = {
        {"reason", to_string(stats.last_failure.reason)},
        {"message", to_utf8(redact(stats.last_failure.message))},
        {"secondsAgo", stats.last_failure.ago.count()}};
  }
  return json;
}

Json connection_json(const ConnectionStats& connection) {
  Json json = {{"state", to_string(connection.state)},
               {"inStateSeconds", metrics::seconds(connection.in_state)},
               {"ageSeconds", metrics::seconds(connection.age)},
               {"uses", connection.uses}};
  if (connection.backend_pid != 0) json["backendPid"] = connection.backend_pid;
  if (connection.state == ConnectionState::kActive) {
    json["tag"] = to_utf8(connection.tag);
    json["acquiredAt"] = to_utf8(acquired_at(connection));
  }
  if (connection.transaction != TransactionStatus::kUnknown) {
    json["transaction"] = to_string(connection.transaction);
    json["inTransactionSeconds"] = metrics::seconds(connection.in_transaction);
  }
  if (!connection.statement) return json;
  const StatementStats& statement = *connection.statement;
  json["statement"] = {
      {"name", to_utf8(statement.name)},
      {"text", to_utf8(statement.text)},
      {"running", statement.running},
      {"startedSecondsAgo", metrics::seconds(statement.started_ago)},
      {"tookSeconds", metrics::seconds(statement.took)},
      {"ofThisLease", connection.statement_is_of_lease()}};
  return json;
}

}  // namespace dbpool::exporter
