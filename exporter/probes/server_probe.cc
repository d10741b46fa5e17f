#include "exporter/probes/server_probe.h"

#include <algorithm>
#include <string>
#include <utility>

#include "exporter/diagnosis/server_sql.h"

namespace dbpool::exporter {

namespace {

std::string_view limits_sql() {
  static const std::string kSql =
      "SELECT current_setting('max_connections')::int4, " +
      std::string(kReservedConnectionsSql);
  return kSql;
}

std::string_view connections_sql() {
  static const std::string kSql =
      "SELECT CASE WHEN backend_type IS NULL THEN 'hidden' "
      "ELSE coalesce(state, 'other') END, count(*) "
      "FROM pg_catalog.pg_stat_activity WHERE " +
      std::string(kIsClientSql) + " GROUP BY 1";
  return kSql;
}

std::size_t index_of(std::string_view state) noexcept {
  const auto* found = std::ranges::find(kServerStates, state);
  if (found == kServerStates.end()) --found;  // "other"
  return static_cast<std::size_t>(found - kServerStates.begin());
}

ExecuteOptions until(TimePoint deadline, const std::stop_token& stop) {
  ExecuteOptions options;
  options.stop = stop;
  options.timeout = deadline - Clock::now();
  options.max_result_bytes = kLargestProbeResult;
  return options;
}

}  // namespace

Expected<ServerSlots> read_server_slots(Connection& connection,
                                        TimePoint deadline,
                                        const std::stop_token& stop) {
  auto limits = connection.execute({kServerProbeStatement, limits_sql()}, {},
                                   until(deadline, stop));
  if (!limits) return Unexpected(std::move(limits.error()));
  auto counts = connection.execute({kServerProbeStatement, connections_sql()},
                                   {}, until(deadline, stop));
  if (!counts) return Unexpected(std::move(counts.error()));

  auto max = limits->get<std::int32_t>(0, 0);
  if (!max) return Unexpected(std::move(max.error()));
  auto reserved = limits->get<std::int32_t>(0, 1);
  if (!reserved) return Unexpected(std::move(reserved.error()));
  ServerSlots slots;
  slots.max_connections = *max;
  slots.reserved_connections = *reserved;
  for (std::size_t row = 0; row < counts->size(); ++row) {
    auto state = counts->get<std::string_view>(row, 0);
    auto count = counts->get<std::int64_t>(row, 1);
    if (!state) return Unexpected(std::move(state.error()));
    if (!count) return Unexpected(std::move(count.error()));
    slots.connections[index_of(*state)] += *count;
  }
  return slots;
}

ServerProbe::ServerProbe(std::shared_ptr<ServerSession> session)
    : session_(std::move(session)) {}

std::span<const std::string_view> ServerProbe::reasons() const noexcept {
  static constexpr std::array<std::string_view, 11> kReasons = {
      "resolve",
      "refused",
      "timeout",
      "tls",
      "auth",
      "too_many_connections",
      "starting_up",
      "statement_timeout",
      "connection_lost",
      "server_error",
      "other"};
  return kReasons;
}

std::optional<ServerSlots> ServerProbe::slots() const {
  const std::lock_guard lock(mutex_);
  return slots_;
}

ProbeResult ServerProbe::run(Duration timeout, const std::stop_token& stop) {
  const TimePoint deadline = Clock::now() + timeout;
  ServerSlots slots;
  const auto ask = [&](Connection& connection) -> Expected<void> {
    auto read = read_server_slots(connection, deadline, stop);
    if (!read) return Unexpected(std::move(read.error()));
    slots = *read;
    return {};
  };
  auto result = session_->use(deadline, ask, stop);
  const std::lock_guard lock(mutex_);
  if (!result) {
    slots_.reset();
    // Of an answer that does not fit it quotes the server's words.
    result.error().message = session_->target().redact(result.error().message);
    return Unexpected(std::move(result.error()));
  }
  slots_ = slots;
  return {};
}

}  // namespace dbpool::exporter
