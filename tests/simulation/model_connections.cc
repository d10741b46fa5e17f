// The model's picture of the connections.
#include <algorithm>

#include "tests/simulation/model.h"
#include "tests/simulation/require.h"

namespace dbpool::test {

using State = ConnectionState;

ModelConnection* Model::find(ConnectionId id) {
  for (ModelConnection& connection : connections_) {
    if (connection.id == id) return &connection;
  }
  return nullptr;
}

ModelConnection* Model::find(ConnectionId id, State state) {
  ModelConnection* connection = find(id);
  return connection && connection->state == state ? connection : nullptr;
}

void Model::enter(ModelConnection& connection, State state) {
  connection.state = state;
  connection.since = now_;
  connection.order = ++order_;
  connection.was_stale = false;
}

// --- Events ----------------------------------------------------------------

void Model::released(const Event& event) {
  ModelConnection* connection = find(event.id, State::kActive);
  require(connection != nullptr, "the history releases what is not leased");
  require(connection->reported == is_overdue(*connection, now_),
          "a leak was missed or invented");
  ++leases_ended_;
  lease_time_ += now_ - connection->since;
  if (event.returned == ReturnState::kDirty) ++counted_.dirty_returns;
  comes_back(*connection);
  if (event.returned == ReturnState::kBroken ||
      event.returned == ReturnState::kRetire) {
    must_close_ = CloseReason::kBroken;
  }
}

void Model::opened(const Event& event) {
  ModelConnection* connection = find(event.id, State::kOpening);
  if (connection == nullptr) return;
  connection->open = true;
  connection->opened_at = now_;
  for (ModelConnection& other : connections_) {
    other.overtaken = failures_ > 0 && other.state == State::kOpening &&
                      other.since < connection->since;
  }
  failures_ = 0;
  retry_at_ = TimePoint::min();
  proven_ = true;
  may_part_ = true;
  ++counted_.opened;
  comes_back(*connection);
}

Duration Model::longest_backoff() const {
  const double doubled =
      static_cast<double>(options_.backoff_initial.count()) *
      static_cast<double>(1ULL << std::min(failures_ - 1, 40U));
  return Duration(static_cast<Duration::rep>(
      std::min(doubled, static_cast<double>(options_.backoff_max.count()))));
}

void Model::open_failed(const Event& event, const Outcome& outcome) {
  ModelConnection* connection = find(event.id, State::kOpening);
  if (connection == nullptr) return;
  ++failures_;
  last_failure_ = event.failure;
  may_part_ = false;
  ++counted_.connect_failures[static_cast<std::size_t>(event.failure)];
  require(outcome.failed.failures_in_a_row == failures_,
          "failures in a row are miscounted");
  const Duration longest = longest_backoff();
  const TimePoint begun_at = connection->since;
  std::erase_if(connections_,
                [&](const auto& other) { return other.id == event.id; });
  const Duration wait = outcome.failed.next_try_in;
  if (failures_ > 1 && begun_at < begun_at_) {
    require(wait == std::max(retry_at_ - now_, Duration::zero()),
            "the backoff was moved by an opening that was overtaken");
    return;
  }
  const ModelConnection* other = last_in(State::kOpening);
  const TimePoint earliest = other ? other->since + kOvertakes : now_;
  const TimePoint base = now_ - begun_at < kOvertakes ? now_ : begun_at;
  const TimePoint from = std::max({base + longest / 2, earliest, now_});
  const TimePoint until = std::max({base + longest, earliest, now_});
  require(from <= now_ + wait && now_ + wait <= until,
          "the backoff is outside its range");
  retry_at_ = now_ + wait;
}

void Model::check_ended(const Event& event) {
  const bool cleaned = event.kind == EventKind::kCleaned;
  ModelConnection* connection = find(event.id, State::kChecking);
  if (connection == nullptr || connection->cleaning != cleaned) return;
  comes_back(*connection);
  if (event.good) return;
  must_close_ = cleaned ? CloseReason::kDirty : CloseReason::kCheckFailed;
}

void Model::gone(const Event& event, const Outcome& outcome) {
  const ModelConnection* connection = find(event.id, State::kClosing);
  if (connection == nullptr) return;
  const detail::ClosedFacts& facts = outcome.closed;
  require(facts.was_open == connection->open &&
              facts.reason == connection->close_reason &&
              facts.uses == connection->uses,
          "the facts of a closed connection are wrong");
  if (connection->open) {
    require(facts.age == now_ - connection->opened_at,
            "the age of a closed connection is wrong");
    const auto reason = static_cast<std::size_t>(connection->close_reason);
    ++counted_.closed_by_reason[reason];
  }
  std::erase_if(connections_,
                [&](const auto& other) { return other.id == event.id; });
}

void Model::hung_up(const Event& event) {
  ModelConnection* connection = find(event.id);
  if (connection == nullptr) return;
  connection->hung_up = true;
  if (connection->state != State::kIdle) return;
  subject_ = connection->id;
  must_close_ = CloseReason::kBroken;
}

void Model::renew() {
  failures_ = 0;
  retry_at_ = TimePoint::min();
  proven_ = false;
  may_part_ = false;
  for (ModelConnection& connection : connections_) connection.outdated = true;
}

// Idle for the model until the outcome tells better.
void Model::comes_back(ModelConnection& connection) {
  subject_ = connection.id;
  must_close_ = certain_retirement(connection);
  connection.cleaning = false;
  enter(connection, State::kIdle);
}

std::optional<CloseReason> Model::certain_retirement(
    const ModelConnection& connection) const {
  if (connection.hung_up) return CloseReason::kBroken;
  if (closed_) return CloseReason::kDrain;
  if (not_closing() > max_) return CloseReason::kResize;
  if (options_.max_uses && connection.uses >= *options_.max_uses) {
    return CloseReason::kMaxUses;
  }
  if (must_expire(connection)) return CloseReason::kMaxLifetime;
  if (connection.outdated && may_replace()) return CloseReason::kReload;
  return std::nullopt;
}

// The jitter is the brain's secret; its range is not. One nanosecond is lost
// in rounding.
bool Model::may_expire(const ModelConnection& connection) const {
  if (!options_.max_lifetime) return false;
  const auto lifetime = static_cast<double>(options_.max_lifetime->count());
  const auto age = static_cast<double>((now_ - connection.opened_at).count());
  return age >= lifetime * (1 - options_.lifetime_jitter) - 1;
}

bool Model::must_expire(const ModelConnection& connection) const {
  if (!options_.max_lifetime) return false;
  const auto lifetime = static_cast<double>(options_.max_lifetime->count());
  const auto age = static_cast<double>((now_ - connection.opened_at).count());
  return age >= lifetime * (1 + options_.lifetime_jitter) + 1;
}

void Model::leak(const detail::LeaseFacts& facts) {
  ModelConnection* connection = find(facts.id, State::kActive);
  require(connection != nullptr, "a leak of something that is not leased");
  require(is_overdue(*connection, now_), "a leak that is none");
  require(!connection->reported, "a leak was reported twice");
  require(facts.age == now_ - connection->since &&
              facts.where.line() == connection->line,
          "the facts of a leak are wrong");
  connection->reported = true;
  ++counted_.leaks_suspected;
}

// --- Work ------------------------------------------------------------------

void Model::work(const Work& work, const Event& event) {
  if (work.kind == WorkKind::kOpen) return begin_opening(work);
  ModelConnection* connection = find(work.id);
  require(connection != nullptr, "work for a connection that is not there");
  switch (work.kind) {
    case WorkKind::kOpen:
      break;
    case WorkKind::kCheck:
      return begin_check(*connection);
    case WorkKind::kClean:
      require(event.kind == EventKind::kRelease && work.id == event.id &&
                  event.returned == ReturnState::kDirty &&
                  connection->state == State::kIdle && !must_close_,
              "a clean-up of what needs none");
      enter(*connection, State::kChecking);
      connection->cleaning = true;
      return;
    case WorkKind::kClose:
      return begin_closing(work, event, *connection);
  }
}

void Model::begin_opening(const Work& work) {
  require(find(work.id) == nullptr, "an opening in a slot that is taken");
  require(!closed_, "an opening in a closed pool");
  require(now_ >= retry_at_, "an opening during the backoff");
  require(total() < max_, "an opening above the limit");
  require(may_open(), "too many openings at once");
  require(needed_openings() > 0, "an opening that nobody needs");
  connections_.push_back({.id = work.id});
  enter(connections_.back(), State::kOpening);
  bool quick = failures_ > 0 && !may_open();
  if (quick && count(State::kOpening) == 1) {
    quick_turn_ = !quick_turn_;
    quick = quick_turn_;
  }
  require(work.quick == quick, "a wrong opening is quick");
  begun_at_ = now_;
  if (failures_ > 0) retry_at_ = now_ + std::max(longest_backoff(), kOvertakes);
}

void Model::begin_check(ModelConnection& connection) {
  require(connection.state == State::kIdle, "a check of what is not idle");
  require(connection.id == last_in(State::kIdle)->id,
          "a check of another than the hottest connection");
  require(connection.was_stale || !is_fresh(connection),
          "a check of a fresh connection");
  require(helping_checks() < asking(), "a check that nobody needs");
  enter(connection, State::kChecking);
}

void Model::begin_closing(const Work& work, const Event& event,
                          ModelConnection& connection) {
  require(connection.state != State::kActive, "a lease is closed");
  require(connection.state != State::kClosing, "closed twice");
  require(work.abort_opening == !connection.open,
          "an abort of what is open, or none of an opening");
  require(fits(work.close_reason, event, connection),
          "a connection is closed for a wrong reason");
  connection.close_reason = work.close_reason;
  if (work.close_reason == CloseReason::kReload) may_part_ = false;
  enter(connection, State::kClosing);
}

bool Model::fits(CloseReason reason, const Event& event,
                 const ModelConnection& connection) const {
  const bool is_subject = subject_ == connection.id;
  if (is_subject && must_close_) {
    // Whether a lifetime is over is not known for sure.
    const bool may_be_old = *must_close_ == CloseReason::kReload &&
                            reason == CloseReason::kMaxLifetime &&
                            may_expire(connection);
    return reason == *must_close_ || may_be_old;
  }
  const bool is_idle = connection.state == State::kIdle;
  const bool is_new_limit = event.kind == EventKind::kReconfigure && is_idle;
  switch (reason) {
    case CloseReason::kIdleTimeout:
      return event.kind == EventKind::kAdvance &&
             connection.id == first_in(State::kIdle)->id && live() > min_ &&
             options_.idle_timeout &&
             now_ - connection.since >= *options_.idle_timeout;
    case CloseReason::kMaxLifetime:
      return (is_subject || is_new_limit ||
              (event.kind == EventKind::kAdvance && is_idle)) &&
             may_expire(connection);
    case CloseReason::kMaxUses:
      return is_new_limit && options_.max_uses &&
             connection.uses >= *options_.max_uses;
    case CloseReason::kResize:
      // Idle ones before openings, the coldest before all.
      return event.kind == EventKind::kReconfigure && not_closing() > max_ &&
             (is_idle ? connection.id == first_in(State::kIdle)->id
                      : connection.state == State::kOpening &&
                            first_in(State::kIdle) == nullptr);
    case CloseReason::kDrain:
      return event.kind == EventKind::kClose;
    case CloseReason::kBroken:
      return connection.overtaken;
    case CloseReason::kReload:
      if (connection.state == State::kOpening) return connection.outdated;
      return is_idle && may_replace() && coldest_outdated() == &connection;
    default:
      return false;  // only a subject, see above
  }
}

}  // namespace dbpool::test
