#include "exporter/logging/event_log.h"

#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/setting_words.h"

namespace dbpool::exporter {

namespace {

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// What a failure is held back by: each place of the code for itself.
template <typename... Parts>
std::string key(const Parts&... parts) {
  std::string result;
  ((result += parts, result += '\n'), ...);
  return result;
}

// "file.cc:12", without the folders of the build.
std::string place(const LeaseEvent& event) {
  const std::string_view file =
      event.file.substr(event.file.find_last_of('/') + 1);
  return std::string(file) + ':' + std::to_string(event.line);
}

// Redacted before it is cut, so that the cut cannot hide from the redaction
// what marks a secret. Bounded first: a statement may be megabytes long.
std::string logged_sql(std::string_view sql,
                       const std::shared_ptr<const ConnectionString>& target) {
  const std::string_view start = utf8_prefix(sql, 8 * kLoggedSqlCharacters);
  const std::string shown =
      target == nullptr ? redact(start) : target->redact(start);
  return std::string(utf8_prefix(shown, kLoggedSqlCharacters));
}

std::string_view reason_of(const Error& error) {
  if (error.acquire_failure) return to_string(*error.acquire_failure);
  return error.statement_failure ? to_string(*error.statement_failure)
                                 : to_string(error.kind);
}

// The verdict is up to a second old: may it be why this request failed?
bool may_explain(const Verdict& verdict, const Error& error) {
  if (verdict.cause == Cause::kNone) return false;
  if (!error.acquire_failure) return true;
  switch (*error.acquire_failure) {
    case AcquireFailure::kBackendDown:
    case AcquireFailure::kTimeoutBackendDown:
      return verdict.cause == Cause::kBackendDown;
    case AcquireFailure::kServerSlots:
      return verdict.cause == Cause::kServerSlots;
    case AcquireFailure::kCancelled:
    case AcquireFailure::kClosed:
      return false;
    default:
      return true;
  }
}

void add_cause(std::vector<LogField>& fields, const Verdict& verdict,
               const Error& error) {
  if (!may_explain(verdict, error)) return;
  fields.push_back({"cause", to_string(verdict.cause)});
  fields.push_back({"action", verdict.action});
}

// Texts for the lines are made here, which may run out of memory; the sink
// must not throw.
template <typename Function>
void guarded(Function function) noexcept {
  try {
    function();
  } catch (const std::exception&) {
    // This line is lost.
  }
}

}  // namespace

EventLog::EventLog(Logger& log, EventLogOptions options)
    : log_(log),
      queries_logged_(options.queries),
      connections_logged_(options.connections),
      target_(std::move(options.target)) {}

void EventLog::set_options(EventLogOptions options) {
  queries_logged_ = options.queries;
  connections_logged_ = options.connections;
  const std::lock_guard lock(mutex_);
  target_ = std::move(options.target);
}

std::shared_ptr<const ConnectionString> EventLog::target() const {
  const std::lock_guard lock(mutex_);
  return target_;
}

void EventLog::connection_opened(const ConnectionOpenedEvent& event) noexcept {
  if (failing_.exchange(false)) {
    log_.limited(LogLevel::kInfo, "opens again",
                 "database connections open again",
                 {{"pool", event.pool}, {"host", event.host}});
  }
  if (!connections_logged_) return;
  log_.info("connection opened", {{"pool", event.pool},
                                  {"host", event.host},
                                  {"backend_pid", event.backend_pid},
                                  {"seconds", in_seconds(event.duration)}});
}

void EventLog::connect_failed(const ConnectFailedEvent& event) noexcept {
  failing_ = true;
  guarded([&] {
    log_.limited(LogLevel::kWarn,
                 key("connect", event.pool, to_string(event.reason)),
                 "database connection failed",
                 {{"pool", event.pool},
                  {"reason", to_string(event.reason)},
                  {"error", event.message},
                  {"failures_in_a_row", event.failures_in_a_row},
                  {"next_try_seconds", in_seconds(event.next_try_in)}});
  });
}

void EventLog::connection_closed(const ConnectionClosedEvent& event) noexcept {
  if (!connections_logged_) return;
  log_.info("connection closed", {{"pool", event.pool},
                                  {"reason", to_string(event.reason)},
                                  {"backend_pid", event.backend_pid},
                                  {"uses", event.uses},
                                  {"age_seconds", in_seconds(event.age)}});
}

void EventLog::leak_suspected(const LeaseEvent& event) noexcept {
  guarded([&] {
    const std::string where = place(event);
    log_.limited(LogLevel::kWarn, key("leak", event.pool, event.tag, where),
                 "lease suspected to be leaked",
                 {{"pool", event.pool},
                  {"tag", event.tag},
                  {"acquired_at", where},
                  {"age_seconds", in_seconds(event.age)},
                  {"backend_pid", event.backend_pid}});
  });
}

void EventLog::dirty_return(const LeaseEvent& event) noexcept {
  guarded([&] {
    const std::string where = place(event);
    log_.limited(LogLevel::kWarn, key("dirty", event.pool, event.tag, where),
                 "a lease came back inside a transaction or statement",
                 {{"pool", event.pool},
                  {"tag", event.tag},
                  {"acquired_at", where},
                  {"age_seconds", in_seconds(event.age)},
                  {"backend_pid", event.backend_pid}});
  });
}

void EventLog::lease_abandoned(const LeaseEvent& event) noexcept {
  guarded([&] {
    log_.error("a lease was not given back before the shutdown",
               {{"pool", event.pool},
                {"tag", event.tag},
                {"acquired_at", place(event)},
                {"age_seconds", in_seconds(event.age)},
                {"backend_pid", event.backend_pid}});
  });
}

void EventLog::statement_finished(const StatementEvent& event) noexcept {
  guarded([&] {
    if (queries_logged_) {
      log_statement(event);
    } else if (event.error != nullptr &&
               event.error->kind != ErrorKind::kCancelled) {
      log_failed_statement(event);
    }
  });
}

void EventLog::log_statement(const StatementEvent& event) {
  const LogLevel level =
      event.error == nullptr ? LogLevel::kInfo : LogLevel::kWarn;
  if (!log_.enabled(level)) return;
  // These come each second, and bury the statements that somebody looks for.
  if (event.error == nullptr && is_probe_statement(event.name)) return;
  const auto held_back =
      queries_.admit(event.error == nullptr ? "good" : "failed", Clock::now());
  if (!held_back) return;
  const std::string sql = logged_sql(event.sql, target());
  std::string error;
  std::vector<LogField> fields = {{"pool", event.pool},
                                  {"query", event.name},
                                  {"sql", sql},
                                  {"parameters", event.parameter_count},
                                  {"seconds", in_seconds(event.duration)}};
  if (event.error != nullptr) {
    error = in_setting_words(event.error->message);
    fields.push_back({"reason", reason_of(*event.error)});
    fields.push_back({"sqlstate", event.error->sqlstate});
    fields.push_back({"error", error});
  }
  if (*held_back > 0) fields.push_back({"held_back", *held_back});
  log_.log(level, event.error == nullptr ? "query" : "query failed", fields);
}

void EventLog::log_failed_statement(const StatementEvent& event) {
  const Error& error = *event.error;
  const std::string_view reason = reason_of(error);
  const std::string message = in_setting_words(error.message);
  log_.limited(LogLevel::kWarn,
               key("query", event.pool, event.name, reason, error.sqlstate),
               "query failed",
               {{"pool", event.pool},
                {"query", event.name},
                {"parameters", event.parameter_count},
                {"seconds", in_seconds(event.duration)},
                {"reason", reason},
                {"sqlstate", error.sqlstate},
                {"error", message}});
}

void EventLog::acquire_failed(std::string_view pool, std::string_view workload,
                              const Error& error,
                              const Verdict& verdict) noexcept {
  guarded([&] {
    const std::string_view reason = reason_of(error);
    const std::string message = in_setting_words(error.message);
    std::vector<LogField> fields = {{"pool", pool},
                                    {"workload", workload},
                                    {"reason", reason},
                                    {"error", message}};
    add_cause(fields, verdict, error);
    log_.limited(LogLevel::kWarn, key("acquire", pool, workload, reason),
                 "acquire failed", fields);
  });
}

void EventLog::probe_failed(std::string_view pool, std::string_view probe,
                            const ProbeFailure& failure,
                            const Verdict& verdict) noexcept {
  guarded([&] {
    std::vector<LogField> fields = {{"pool", pool},
                                    {"probe", probe},
                                    {"reason", failure.reason},
                                    {"error", failure.message}};
    if (failure.acquire_failure) add_cause(fields, verdict, failure);
    log_.log(LogLevel::kWarn, "probe fails", fields);
  });
}

void EventLog::script_failed(std::string_view pool, std::string_view workload,
                             std::string_view problem) noexcept {
  guarded([&] {
    log_.limited(LogLevel::kWarn, key("script", pool, workload),
                 "script failed",
                 {{"pool", pool}, {"workload", workload}, {"error", problem}});
  });
}

}  // namespace dbpool::exporter
