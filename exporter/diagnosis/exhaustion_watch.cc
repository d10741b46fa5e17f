#include "exporter/diagnosis/exhaustion_watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "exporter/base/holders.h"
#include "exporter/diagnosis/words.h"

namespace dbpool::exporter {

namespace {

// Who asks for a report is heard at once.
constexpr Duration kLookInterval = std::chrono::milliseconds(250);
constexpr Duration kVerdictInterval = std::chrono::seconds(1);
// Between reports that are asked for: whoever may ask could ask without end.
constexpr Duration kAskPause = std::chrono::seconds(1);
constexpr Duration kFirstPause = std::chrono::seconds(15);
constexpr Duration kLongestPause = std::chrono::minutes(5);

// Nobody waits for longer than an acquire may take.
DiagnosisOptions within_acquires(DiagnosisOptions options,
                                 const PoolOptions& pool) {
  if (options.threshold) {
    options.threshold = std::min(*options.threshold, pool.acquire_timeout / 2);
  }
  return options;
}

std::string statement_words(const ConnectionStats& connection) {
  if (!connection.statement) return {};
  const StatementStats& statement = *connection.statement;
  return statement.name.empty() ? statement.text : statement.name;
}

}  // namespace

ExhaustionWatch::ExhaustionWatch(const Pool& pool,
                                 std::shared_ptr<ServerSession> session,
                                 DiagnosisOptions options, DownReason down,
                                 std::shared_ptr<ReportNumbers> numbers,
                                 Logger& log)
    : pool_(pool),
      numbers_(std::move(numbers)),
      log_(log),
      options_(within_acquires(options, pool.options())),
      live_(pool, std::move(session), options_, std::move(down), log) {}

ExhaustionWatch::~ExhaustionWatch() = default;  // ~jthread requests the stop

void ExhaustionWatch::start() {
  const std::lock_guard lock(mutex_);
  running_ = true;
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

void ExhaustionWatch::set_options(DiagnosisOptions options) {
  const std::lock_guard lock(mutex_);
  next_options_ = options;
}

std::uint64_t ExhaustionWatch::ask() {
  const std::lock_guard lock(mutex_);
  if (!asked_) asked_ = numbers_->next();
  changed_.notify_all();
  return *asked_;
}

std::vector<ReportPtr> ExhaustionWatch::reports() const {
  const std::lock_guard lock(mutex_);
  return {reports_.begin(), reports_.end()};
}

void ExhaustionWatch::request_stop() noexcept { thread_.request_stop(); }

bool ExhaustionWatch::wait_stopped(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return !running_; });
}

void ExhaustionWatch::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto asked = wait_for_a_look(stop);
    if (stop.stop_requested()) break;
    take_options();
    look(stop);
    if (is_due(Clock::now()) || asked) take(asked, stop);
  }
  const std::lock_guard lock(mutex_);
  running_ = false;
  changed_.notify_all();
}

void ExhaustionWatch::take_options() {
  std::unique_lock lock(mutex_);
  const auto next = std::exchange(next_options_, std::nullopt);
  lock.unlock();
  if (!next) return;
  options_ = within_acquires(*next, pool_.options());
  live_.set_options(options_);
}

// Looks that would have been due meanwhile are left out.
void ExhaustionWatch::look(const std::stop_token& stop) {
  const TimePoint now = Clock::now();
  if (now < look_at_) return;
  look_at_ = std::max(look_at_ + kVerdictInterval, now);
  live_.look(stop);
}

// The number of the report that somebody has asked for, if so.
std::optional<std::uint64_t> ExhaustionWatch::wait_for_a_look(
    const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const auto is_asked = [this] {
    return asked_.has_value() && Clock::now() >= ask_again_at_;
  };
  if (!changed_.wait_until(lock, stop, Clock::now() + kLookInterval,
                           is_asked)) {
    return std::nullopt;
  }
  ask_again_at_ = Clock::now() + kAskPause;
  return std::exchange(asked_, std::nullopt);
}

// A queue that never ends, but moves on, is not one that waits for long; nor is
// one whose head waits for an opening.
bool ExhaustionWatch::is_exhausted(TimePoint now) {
  const PoolStats stats = pool_.stats_without_queries();
  if (stats.waiting[static_cast<std::size_t>(WaitReason::kCapacity)] == 0) {
    exhausted_since_.reset();
    return false;
  }
  if (!exhausted_since_) exhausted_since_ = now;
  return std::min<Duration>(stats.oldest_waiting_age,
                            now - *exhausted_since_) >= *options_.threshold;
}

bool ExhaustionWatch::is_due(TimePoint now) {
  if (!options_.threshold) return false;
  const bool exhausted = is_exhausted(now);
  if (now < next_at_) return exhausted && is_news();
  if (!exhausted) {
    pause_ = Duration::zero();
    told_.reset();
    return false;
  }
  pause_ = pause_ == Duration::zero() ? kFirstPause
                                      : std::min(2 * pause_, kLongestPause);
  next_at_ = now + pause_;
  return true;
}

// Has the verdict named a cause that no report tells of?
bool ExhaustionWatch::is_news() const {
  const Cause cause = live_.now().verdict.cause;
  return cause != Cause::kNone && !told_[static_cast<std::size_t>(cause)];
}

void ExhaustionWatch::take(std::optional<std::uint64_t> number,
                           const std::stop_token& stop) {
  const auto taken_at = std::chrono::system_clock::now();
  const Cause in_force = live_.now().verdict.cause;
  auto report =
      std::make_shared<ExhaustionReport>(make_report(live_.gather(stop)));
  if (stop.stop_requested()) return;
  report->taken_at = taken_at;
  report->number = number ? *number : numbers_->next();
  // What it was taken for is told, whatever it has found a moment later.
  for (const Cause told : {in_force, report->verdict.cause}) {
    told_.set(static_cast<std::size_t>(told));
  }
  log(*report);
  const std::lock_guard lock(mutex_);
  ++taken_;
  reports_.push_front(std::move(report));
  if (reports_.size() > kKeptReports) reports_.pop_back();
}

// A line for each part, so that no log's bound on lines cuts it.
void ExhaustionWatch::log(const ExhaustionReport& report) const {
  const std::string& pool = report.stats.name;
  const bool is_calm = report.verdict.cause == Cause::kNone;
  const auto write = is_calm ? &Logger::info : &Logger::warn;
  (log_.*write)("exhaustion report",
                {{"pool", pool},
                 {"report", report.number},
                 {"waiting", report.stats.waiting_total},
                 {"oldest_wait_seconds",
                  metrics::seconds(report.stats.oldest_waiting_age)},
                 {"cause", to_string(report.verdict.cause)},
                 {"finding", report.verdict.finding},
                 {"action", report.verdict.action},
                 {"ceiling", report.ceiling},
                 {"database_error", report.database_error}});
  for (const ConnectionStats& connection : report.connections) {
    (log_.*write)("exhaustion report: connection",
                  {{"pool", pool},
                   {"report", report.number},
                   {"state", to_string(connection.state)},
                   {"seconds", metrics::seconds(connection.in_state)},
                   {"tag", connection.tag},
                   {"acquired_at", acquired_at(connection)},
                   {"backend_pid", connection.backend_pid},
                   {"transaction", to_string(connection.transaction)},
                   {"statement", statement_words(connection)}});
  }
  if (!report.database) return;
  for (const Backend& backend : report.database->backends) {
    std::string blockers;
    for (const int pid : backend.blockers) {
      blockers += (blockers.empty() ? "" : ",") + std::to_string(pid);
    }
    (log_.*write)("exhaustion report: backend",
                  {{"pool", pool},
                   {"report", report.number},
                   {"backend_pid", backend.pid},
                   {"user", backend.user},
                   {"application", backend.application},
                   {"state", state_for_people(backend)},
                   {"blocked_by", blockers},
                   {"sql", backend.statement}});
  }
}

void ExhaustionWatch::tell(metrics::Sink& sink) const {
  live_.tell(sink);
  const std::lock_guard lock(mutex_);
  sink.add(metrics::kExhaustionReports, {{"pool", pool_.name()}},
           static_cast<double>(taken_));
}

}  // namespace dbpool::exporter
