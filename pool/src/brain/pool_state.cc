// The events of the brain. What follows from them is decided in
// pool_state_policy.cc and pool_state_timers.cc.
#include "pool/src/brain/pool_state.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace dbpool::detail {

PoolState::PoolState(const PoolOptions& options, TimePoint now)
    : now_(now),
      table_(options.max_connections),
      queue_(options.max_waiting_requests),
      jitter_(options.random_seed.value_or(0)),
      backoff_(options.backoff_initial, options.backoff_max),
      waiting_peak_(now) {
  assert(validate(options));
  adopt(options);
  leaks_.reserve(table_.capacity());
  settle(now);
}

void PoolState::adopt(const PoolOptions& options) noexcept {
  idle_timeout_ = options.idle_timeout;
  max_uses_ = options.max_uses;
  max_lifetime_ = options.max_lifetime;
  lifetime_jitter_ = options.lifetime_jitter;
  check_after_idle_ = options.check_after_idle;
  max_concurrent_openings_ = options.max_concurrent_openings;
  leak_threshold_ = options.leak_threshold;
  min_connections_ = options.min_connections;
  max_connections_ = options.max_connections;
}

TimePoint PoolState::begin(TimePoint now) noexcept {
  now = std::max(now, now_);
  integrate(integrals_, now);
  now_ = now;
  return now;
}

// Nothing for end() to find out: an idle connection that is lent, or kept,
// while nobody waits changes nothing that settle() looks at, and brings one
// deadline about, which the caller compares with armed_. By a profile it saves
// a fifth of an acquire and its release.
bool PoolState::is_settled(TimePoint now) const noexcept {
  return queue_.empty() && now < settled_until_ && !needs_housekeeper_;
}

Effects PoolState::end(TimePoint now) noexcept {
  settle(now);
  refused_ = false;
  const TimePoint deadline = earliest_deadline();
  settled_until_ = deadline;
  const bool sooner = deadline < armed_;
  if (sooner) armed_ = deadline;
  finished_tail_ = nullptr;
  return {
      .finished = std::exchange(finished_head_, nullptr),
      .wake_housekeeper = std::exchange(needs_housekeeper_, false) || sooner};
}

Effects PoolState::acquire(Waiter& waiter, TimePoint now) noexcept {
  assert(waiter.state == Waiter::State::kNew);
  now = begin(now);
  waiter.enqueued_at = now;
  Slot* idle = table_.youngest(ConnectionState::kIdle);
  if (closed_) {
    fail(waiter, AcquireFailure::kClosed, now);
  } else if (queue_.empty() && idle != nullptr && is_fresh(*idle, now)) {
    grant(waiter, *idle, now);
    if (is_settled(now) && leak_deadline() >= armed_) return {};
  } else if (is_hopeless(now)) {
    fail(waiter, fast_failure(), now);
  } else if (queue_.full()) {
    fail(waiter, AcquireFailure::kQueueFull, now);
    // Where nobody may wait, a refused request still asks for a connection:
    // otherwise none would ever be opened or checked.
    refused_ = queue_.bound() == 0;
  } else {
    waiter.state = Waiter::State::kQueued;
    queue_.push(waiter);
    waiting_peak_.set(queue_.size(), now);
  }
  return end(now);
}

bool PoolState::cancel(Waiter& waiter, TimePoint now) noexcept {
  if (waiter.state != Waiter::State::kQueued) return false;
  now = begin(now);
  dequeue(waiter, now);
  fail(waiter, AcquireFailure::kCancelled, now);
  return true;
}

bool PoolState::expire(Waiter& waiter, TimePoint now) noexcept {
  if (waiter.state != Waiter::State::kQueued) return false;
  now = begin(now);
  if (now < waiter.deadline) return false;
  const AcquireFailure failure = timeout_of(waiter);
  dequeue(waiter, now);
  fail(waiter, failure, now);
  return true;
}

Effects PoolState::release(ConnectionId id, ReturnState state,
                           TimePoint now) noexcept {
  now = begin(now);
  Slot* slot = table_.find(id);
  if (slot == nullptr || slot->state != ConnectionState::kActive) {
    return end(now);
  }
  end_lease(*slot, now);
  if (state == ReturnState::kDirty) ++counters_.dirty_returns;
  if (state == ReturnState::kBroken || state == ReturnState::kRetire) {
    start_close(*slot, CloseReason::kBroken, now);
  } else if (const auto reason = retirement(*slot, now)) {
    start_close(*slot, *reason, now);
  } else if (state == ReturnState::kDirty) {
    slot->cleaning = true;
    table_.move_to(*slot, ConnectionState::kChecking, now);
    add_work(*slot, WorkKind::kClean);
  } else if (queue_.empty()) {
    table_.move_to(*slot, ConnectionState::kIdle, now);
    // An outdated one that is idle wants a replacement.
    const bool settled = is_settled(now) && !slot->outdated;
    if (settled && idle_deadline() >= armed_) return {};
  } else {
    grant_queued(next_at(slot->home), *slot, now);
  }
  return end(now);
}

Effects PoolState::opened(ConnectionId id, const OpenedFacts& facts,
                          TimePoint now) noexcept {
  now = begin(now);
  Slot* slot = table_.find(id);
  if (slot == nullptr || slot->state != ConnectionState::kOpening) {
    return end(now);
  }
  ++counters_.opened;
  counters_.connect_duration.observe(facts.total);
  for (std::size_t i = 0; i < kConnectPhaseCount; ++i) {
    if (facts.phases[i]) counters_.connect_phase[i].observe(*facts.phases[i]);
  }
  if (is_failing()) abort_overtaken(*slot, now);
  backoff_.reset();
  proven_ = true;
  may_part_ = true;
  slot->open = true;
  slot->backend_pid = facts.backend_pid;
  slot->opened_at = now;
  set_lifetime(*slot);
  place(*slot, now);
  return end(now);
}

Effects PoolState::open_failed(ConnectionId id, ConnectFailure failure,
                               TimePoint now, FailedFacts* facts) noexcept {
  now = begin(now);
  Slot* slot = table_.find(id);
  if (slot == nullptr || slot->state != ConnectionState::kOpening) {
    return end(now);
  }
  counters_.connect_failures.add(failure);
  last_failure_ = failure;
  last_failed_at_ = now;
  may_part_ = false;
  const TimePoint begun_at = slot->since;
  table_.remove(*slot);
  const Slot* other = table_.youngest(ConnectionState::kOpening);
  const TimePoint earliest =
      other ? saturating_add(other->since, kOvertakes) : TimePoint::min();
  const Duration wait = backoff_.failed(begun_at, earliest, now, jitter_);
  if (facts != nullptr) {
    *facts = {.failures_in_a_row = backoff_.failures_in_a_row(),
              .next_try_in = wait};
  }
  return end(now);
}

Effects PoolState::checked(ConnectionId id, bool alive,
                           TimePoint now) noexcept {
  return check_ended(id, alive, CloseReason::kCheckFailed, now);
}

Effects PoolState::cleaned(ConnectionId id, bool usable,
                           TimePoint now) noexcept {
  return check_ended(id, usable, CloseReason::kDirty, now);
}

Effects PoolState::check_ended(ConnectionId id, bool good, CloseReason reason,
                               TimePoint now) noexcept {
  now = begin(now);
  Slot* slot = table_.find(id);
  const bool cleaning = reason == CloseReason::kDirty;
  if (slot == nullptr || slot->state != ConnectionState::kChecking ||
      slot->cleaning != cleaning) {
    return end(now);
  }
  if (good) {
    place(*slot, now);
  } else {
    start_close(*slot, reason, now);
  }
  return end(now);
}

Effects PoolState::closed(ConnectionId id, TimePoint now,
                          ClosedFacts* facts) noexcept {
  now = begin(now);
  Slot* slot = table_.find(id);
  if (slot == nullptr || slot->state != ConnectionState::kClosing) {
    return end(now);
  }
  if (slot->open) counters_.closed.add(slot->close_reason);
  if (is_loss(slot->close_reason)) --lost_;
  if (facts != nullptr) {
    *facts = {.backend_pid = slot->backend_pid,
              .reason = slot->close_reason,
              .uses = slot->uses,
              .age = slot->open ? now - slot->opened_at : Duration::zero(),
              .was_open = slot->open};
  }
  table_.remove(*slot);
  return end(now);
}

Effects PoolState::hung_up(ConnectionId id, TimePoint now) noexcept {
  now = begin(now);
  Slot* slot = table_.find(id);
  if (slot == nullptr) return end(now);
  if (slot->state == ConnectionState::kIdle) {
    start_close(*slot, CloseReason::kBroken, now);
  } else {
    slot->hung_up = true;
  }
  return end(now);
}

bool PoolState::take_work(std::vector<Work>& out) noexcept {
  assert(out.capacity() >= kMaxWorkBatch);
  out.clear();
  while (table_.has_work() && out.size() < kMaxWorkBatch) {
    out.push_back(table_.take_work());
  }
  return table_.has_work();
}

bool PoolState::take_leaks(std::vector<LeaseFacts>& out,
                           TimePoint now) noexcept {
  assert(out.capacity() >= kMaxWorkBatch);
  find_leaks(begin(now));
  const std::size_t taken = std::min(leaks_.size(), kMaxWorkBatch);
  const auto end = leaks_.begin() + static_cast<std::ptrdiff_t>(taken);
  out.assign(leaks_.begin(), end);
  leaks_.erase(leaks_.begin(), end);
  return !out.empty();
}

PoolState::Room::Room(const PoolOptions& options)
    : slots(options.max_connections) {
  leaks.reserve(options.max_connections);
  deadlines.reserve(options.max_waiting_requests);
}

Effects PoolState::reconfigure(const PoolOptions& options, TimePoint now,
                               Room& room) noexcept {
  assert(room.slots.size() == options.max_connections);
  if (options.max_connections > leaks_.capacity()) {
    room.leaks.assign(leaks_.begin(), leaks_.end());
    leaks_.swap(room.leaks);
  }
  table_.grow(room.slots);
  queue_.set_bound(options.max_waiting_requests, room.deadlines);
  now = begin(now);
  backoff_.set_range(options.backoff_initial, options.backoff_max, now);
  const bool same_lifetimes = max_lifetime_ == options.max_lifetime &&
                              lifetime_jitter_ == options.lifetime_jitter;
  adopt(options);
  if (!same_lifetimes) draw_lifetimes();
  shed_excess(now);
  close_used_up(now);
  return end(now);
}

Effects PoolState::renew(TimePoint now) noexcept {
  now = begin(now);
  backoff_.reset();
  proven_ = false;
  may_part_ = false;
  while (Slot* slot = table_.oldest(ConnectionState::kOpening)) {
    start_close(*slot, CloseReason::kReload, now);
  }
  table_.mark_outdated();
  return end(now);
}

Effects PoolState::close(TimePoint now) noexcept {
  now = begin(now);
  closed_ = true;
  fail_all(AcquireFailure::kClosed, now);
  for (const ConnectionState state :
       {ConnectionState::kOpening, ConnectionState::kChecking,
        ConnectionState::kIdle}) {
    while (Slot* slot = table_.oldest(state)) {
      start_close(*slot, CloseReason::kDrain, now);
    }
  }
  return end(now);
}

bool PoolState::is_drained() const noexcept {
  return closed_ && table_.total() == 0;
}

}  // namespace dbpool::detail
