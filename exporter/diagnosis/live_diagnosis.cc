#include "exporter/diagnosis/live_diagnosis.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "exporter/base/setting_words.h"

namespace dbpool::exporter {

namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// What "lately" is to the verdict: its end is seen that long after it.
constexpr Duration kRecentLoad = seconds(2);
constexpr Duration kLongestLoad = minutes(1);
constexpr Duration kLiveTimeout = seconds(1);
constexpr Duration kLimitsInterval = minutes(1);
constexpr Duration kUsualThreshold = seconds(1);

bool may_recommend(Cause cause) {
  return cause == Cause::kNone || cause == Cause::kTooSmall;
}

// A refusal that only a server in order gives does not count, nor does what was
// not asked.
bool is_unreachable(const Error& error) {
  if (error.kind == ErrorKind::kConnect) {
    constexpr std::array kDown = {
        ConnectFailure::kResolve, ConnectFailure::kRefused,
        ConnectFailure::kTimeout, ConnectFailure::kStartingUp};
    return std::ranges::find(kDown, error.connect_failure) != kDown.end();
  }
  return was_asked(error) && error.sqlstate.empty() &&
         (error.statement_failure == StatementFailure::kTimeout ||
          error.statement_failure == StatementFailure::kConnectionLost);
}

std::vector<int> leased_pids(const std::vector<ConnectionStats>& connections) {
  std::vector<int> pids;
  for (const ConnectionStats& connection : connections) {
    if (connection.state != ConnectionState::kActive) break;
    pids.push_back(connection.backend_pid);
  }
  return pids;
}

}  // namespace

LiveDiagnosis::LiveDiagnosis(const Pool& pool,
                             std::shared_ptr<ServerSession> session,
                             DiagnosisOptions options, DownReason down,
                             Logger& log)
    : pool_(pool),
      session_(std::move(session)),
      down_(std::move(down)),
      log_(log),
      options_(options) {
  published_->now.since = std::chrono::system_clock::now();
}

DiagnosisFacts LiveDiagnosis::take_facts(TimePoint at) {
  DiagnosisFacts facts;
  // First: a statement that ends meanwhile is counted twice rather than not at
  // all, as if no statement had run.
  facts.connections = pool_.connections();
  facts.stats = pool_.stats();
  history_.add(sample_of(facts.stats, at));
  facts.stats.queries.clear();
  facts.down = down_();
  facts.recent = history_.last(kRecentLoad);
  if (!is_strained(facts)) {
    strained_since_.reset();
  } else if (!strained_since_) {
    strained_since_ = at;
  }
  // What was before says little about why requests wait now.
  facts.load = history_.last(
      strained_since_
          ? std::min(at - *strained_since_ + kRecentLoad, kLongestLoad)
          : kLongestLoad);
  facts.baseline = history_.baseline();
  facts.threshold = options_.threshold.value_or(kUsualThreshold);
  facts.leak_threshold = pool_.options().leak_threshold;
  return facts;
}

void LiveDiagnosis::ask_database(DiagnosisFacts& facts, Duration at_most,
                                 const std::stop_token& stop) {
  auto view = look_at_backends(*session_, leased_pids(facts.connections),
                               Clock::now() + at_most, stop);
  if (view) {
    facts.database = *std::move(view);
  } else {
    // A refusal is an answer, too; and what was not asked has none.
    facts.is_silent = view.error().sqlstate.empty() &&
                      view.error().kind != ErrorKind::kCancelled &&
                      pool_.stats_without_queries().wait_granted.count() ==
                          facts.stats.wait_granted.count();
    facts.is_unreachable = is_unreachable(view.error());
    facts.database_error = in_setting_words(std::move(view.error().message));
  }
}

void LiveDiagnosis::note_limits(const DiagnosisFacts& facts, TimePoint at) {
  limits_at_ = at;
  ceiling_.reset();
  if (!facts.database || facts.database->behind_pooler) return;
  ceiling_ = ceiling_of(facts.stats, facts.database->limits);
}

void LiveDiagnosis::look(const std::stop_token& stop) {
  const TimePoint at = Clock::now();
  const auto wall = std::chrono::system_clock::now();
  DiagnosisFacts facts = take_facts(at);
  const bool asks_limits = !limits_at_ || at - *limits_at_ >= kLimitsInterval;
  // Where nobody asks for a connection only an answer tells that it is back.
  const bool may_be_back = filter_.in_force().cause == Cause::kBackendDown;
  if (options_.threshold && facts.down.empty() &&
      (is_strained(facts) || asks_limits || may_be_back)) {
    ask_database(facts, std::min(options_.timeout, kLiveTimeout), stop);
    note_limits(facts, at);
  }
  if (!stop.stop_requested()) conclude(facts, wall);
}

DiagnosisFacts LiveDiagnosis::gather(const std::stop_token& stop) {
  const auto wall = std::chrono::system_clock::now();
  DiagnosisFacts facts = take_facts(Clock::now());
  ask_database(facts, options_.timeout, stop);
  if (!stop.stop_requested()) conclude(facts, wall);
  return facts;
}

void LiveDiagnosis::conclude(const DiagnosisFacts& facts,
                             std::chrono::system_clock::time_point at) {
  const Cause before = filter_.in_force().cause;
  const bool changed = filter_.judged(
      judge(facts), {facts.stats.waiting_total > 0, is_served(facts)});
  Sizing sizing = size(facts.load);
  if (!may_recommend(before) && may_recommend(filter_.in_force().cause)) {
    // Leases that waited for a lock, say, are no measure of the load.
    history_.forget_lately();
    sizing = {};
  }
  publish(facts, sizing, changed, at);
}

void LiveDiagnosis::publish(const DiagnosisFacts& facts, const Sizing& sizing,
                            bool changed,
                            std::chrono::system_clock::time_point at) {
  LiveVerdict next;
  if (facts.database) {
    next.database = std::make_shared<DatabaseView>(*facts.database);
    next.asked_at = at;
  }
  next.verdict = filter_.in_force();
  next.since = std::chrono::system_clock::now();
  next.offered_load = sizing.offered;
  if (sizing.needed && may_recommend(next.verdict.cause)) {
    next.recommended_max = sizing.needed;
    if (ceiling_ && *sizing.needed > ceiling_->connections) {
      next.recommended_max = static_cast<std::uint32_t>(ceiling_->connections);
      next.bound = ceiling_->bound;
    }
  }
  const std::unique_lock lock(published_->mutex);
  LiveVerdict& now = published_->now;
  if (!changed) next.since = now.since;
  if (next.database == nullptr) {
    next.database = now.database;
    next.asked_at = now.asked_at;
  }
  std::swap(now, next);  // which is what was before from now on
  if (!changed) return;
  log_change(next.verdict, now.verdict, now.since - next.since,
             is_served(facts));
}

void LiveDiagnosis::log_change(const Verdict& before, const Verdict& verdict,
                               Duration lasted, bool is_served) const {
  const std::string& pool = pool_.name();
  if (verdict.cause == Cause::kNone) {
    log_.info(end_headline(before.cause, is_served),
              {{"pool", pool},
               {"cause_was", to_string(before.cause)},
               {"seconds", metrics::seconds(lasted)}});
    return;
  }
  log_.warn(verdict.cause == Cause::kBackendDown ? "the database is down"
                                                 : "requests wait",
            {{"pool", pool},
             {"cause", to_string(verdict.cause)},
             {"finding", verdict.finding},
             {"action", verdict.action}});
}

LiveVerdict LiveDiagnosis::now() const {
  const std::lock_guard lock(published_->mutex);
  return published_->now;
}

PresentVerdict LiveDiagnosis::present_verdict() const {
  return [published = published_] {
    const std::lock_guard lock(published->mutex);
    return published->now.verdict;
  };
}

void LiveDiagnosis::tell(metrics::Sink& sink) const {
  const LiveVerdict now = this->now();
  const std::string& pool = pool_.name();
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    const auto cause = static_cast<Cause>(i);
    sink.add(metrics::kExhaustionCause,
             {{"pool", pool}, {"cause", to_string(cause)}},
             cause == now.verdict.cause ? 1 : 0);
  }
  if (now.offered_load) {
    sink.add(metrics::kOfferedLoad, {{"pool", pool}}, *now.offered_load);
  }
  if (now.recommended_max) {
    sink.add(metrics::kRecommendedMax, {{"pool", pool}}, *now.recommended_max);
  }
}

}  // namespace dbpool::exporter
