#include "exporter/probes/custom_probe.h"

#include <utility>

#include "exporter/probes/pooled_probe.h"
#include "exporter/probes/probe_rows.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kUnexpected = "unexpected";
constexpr std::string_view kRole = "role";

Params params_of(const std::vector<std::string>& texts) {
  Params params;
  for (const std::string& text : texts) params.add(text);
  return params;
}

// The statement ran, and what came of it does not hold.
tl::unexpected<ProbeFailure> not_held(std::string_view reason,
                                      std::string message) {
  Error error;
  error.kind = ErrorKind::kStatement;
  error.message = std::move(message);
  return tl::make_unexpected(ProbeFailure(std::move(error), reason));
}

tl::unexpected<ProbeFailure> failed(Error error) {
  if (error.kind == ErrorKind::kResultTooLarge) {
    return not_held(kUnexpected, std::move(error.message));
  }
  return tl::make_unexpected(ProbeFailure(std::move(error)));
}

}  // namespace

CustomProbe::CustomProbe(Pool& pool, CustomProbeOptions options)
    : pool_(pool),
      options_(std::move(options)),
      statement_(std::string(kProbeStatements) + options_.name),
      parameters_(params_of(options_.parameters)) {}

std::span<const std::string_view> CustomProbe::reasons() const noexcept {
  static constexpr auto kReasons = pooled_reasons(kUnexpected, kRole);
  return kReasons;
}

std::vector<ProbeValue> CustomProbe::values() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

ProbeResult CustomProbe::run(Duration timeout, const std::stop_token& stop) {
  auto values = ask(timeout, stop);
  const std::lock_guard lock(mutex_);
  if (!values) {
    values_.clear();
    return tl::make_unexpected(std::move(values.error()));
  }
  values_ = *std::move(values);
  return {};
}

tl::expected<std::vector<ProbeValue>, ProbeFailure> CustomProbe::ask(
    Duration timeout, const std::stop_token& stop) {
  const TimePoint deadline = Clock::now() + timeout;
  auto lease = acquire_for_probe(pool_, options_.name, deadline, stop);
  if (!lease) return failed(std::move(lease.error()));
  ExecuteOptions execute;
  execute.stop = stop;
  execute.max_result_bytes = kLargestProbeResult;
  execute.timeout = deadline - Clock::now();
  if (auto role = check_role(**lease, execute); !role) {
    return tl::make_unexpected(std::move(role.error()));
  }
  execute.timeout = deadline - Clock::now();
  auto rows =
      (*lease)->execute({statement_, options_.sql}, parameters_, execute);
  if (!rows) return failed(std::move(rows.error()));
  auto values = read_probe_rows(options_, *rows);
  if (!values) return not_held(kUnexpected, std::move(values.error()));
  return *std::move(values);
}

ProbeResult CustomProbe::check_role(Connection& connection,
                                    const ExecuteOptions& options) const {
  if (!options_.role) return {};
  auto rows = connection.execute(
      {statement_, "SELECT pg_catalog.pg_is_in_recovery()"}, {}, options);
  if (!rows) return failed(std::move(rows.error()));
  const auto is_standby = rows->get<bool>(0, 0);
  if (!is_standby) return failed(is_standby.error());
  const ServerRole role =
      *is_standby ? ServerRole::kStandby : ServerRole::kPrimary;
  if (role == *options_.role) return {};
  return not_held(kRole, "the server is a " + std::string(to_string(role)) +
                             "; expected a " +
                             std::string(to_string(*options_.role)));
}

}  // namespace dbpool::exporter
