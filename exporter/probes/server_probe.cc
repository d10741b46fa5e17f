#include "exporter/probes/server_probe.h"

#include <algorithm>
#include <utility>

namespace dbpool::exporter {

namespace {

// reserved_connections came with PostgreSQL 16.
constexpr std::string_view kLimitsSql =
    "SELECT current_setting('max_connections')::int4, "
    "current_setting('superuser_reserved_connections')::int4 + "
    "coalesce(current_setting('reserved_connections', true)::int4, 0)";

// A role without pg_monitor sees of others' sessions neither state nor
// backend_type; that they have a database and a user tells them from most of
// the server's own processes.
constexpr std::string_view kConnectionsSql =
    "SELECT CASE WHEN backend_type IS NULL THEN 'hidden' "
    "ELSE coalesce(state, 'other') END, count(*) "
    "FROM pg_catalog.pg_stat_activity "
    "WHERE backend_type = 'client backend' OR (backend_type IS NULL "
    "AND datid IS NOT NULL AND usesysid IS NOT NULL) GROUP BY 1";

std::size_t index_of(std::string_view state) noexcept {
  const auto* found = std::ranges::find(kServerStates, state);
  if (found == kServerStates.end()) --found;  // "other"
  return static_cast<std::size_t>(found - kServerStates.begin());
}

ExecuteOptions until(TimePoint deadline, const std::stop_token& stop) {
  ExecuteOptions options;
  options.stop = stop;
  options.timeout = deadline - Clock::now();
  return options;
}

Expected<ServerSlots> read_slots(Connection& connection, TimePoint deadline,
                                 const std::stop_token& stop) {
  auto limits = connection.execute({kServerProbeStatement, kLimitsSql}, {},
                                   until(deadline, stop));
  if (!limits) return Unexpected(std::move(limits.error()));
  auto counts = connection.execute({kServerProbeStatement, kConnectionsSql}, {},
                                   until(deadline, stop));
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

}  // namespace

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

Expected<void> ServerProbe::run(Duration timeout, const std::stop_token& stop) {
  const TimePoint deadline = Clock::now() + timeout;
  ServerSlots slots;
  const auto ask = [&](Connection& connection) -> Expected<void> {
    auto read = read_slots(connection, deadline, stop);
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
    return result;
  }
  slots_ = slots;
  return {};
}

}  // namespace dbpool::exporter
