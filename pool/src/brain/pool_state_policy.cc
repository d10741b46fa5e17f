// What becomes of waiting requests and of connections.
#include <algorithm>

#include "pool/src/brain/pool_state.h"

namespace dbpool::detail {

// --- Requests --------------------------------------------------------------

void PoolState::grant(Waiter& waiter, Slot& slot, TimePoint now) noexcept {
  table_.move_to(slot, ConnectionState::kActive, now);
  ++slot.uses;
  slot.tag = waiter.tag;
  slot.where = waiter.where;
  slot.home = waiter.home;
  waiter.state = Waiter::State::kGranted;
  waiter.granted = slot.id();
  ++counters_.acquires;
  counters_.wait_granted.observe(now - waiter.enqueued_at);
}

void PoolState::fail(Waiter& waiter, AcquireFailure failure,
                     TimePoint now) noexcept {
  waiter.state = Waiter::State::kFailed;
  waiter.failure = failure;
  ++counters_.acquires;
  counters_.acquire_failures.add(failure);
  counters_.wait_failed.observe(now - waiter.enqueued_at);
}

void PoolState::dequeue(Waiter& waiter, TimePoint now) noexcept {
  queue_.remove(waiter);
  waiting_peak_.set(queue_.size(), now);
  ++counters_.acquires_waited;
}

void PoolState::append_finished(Waiter& waiter) noexcept {
  waiter.next = nullptr;
  (finished_tail_ ? finished_tail_->next : finished_head_) = &waiter;
  finished_tail_ = &waiter;
}

void PoolState::grant_queued(Waiter& waiter, Slot& slot,
                             TimePoint now) noexcept {
  dequeue(waiter, now);
  grant(waiter, slot, now);
  append_finished(waiter);
}

// Who gets a lease of this home that came back; somebody waits.
Waiter& PoolState::next_at(std::uintptr_t home) const noexcept {
  Waiter& head = *queue_.head();
  if (home == 0) return head;
  const TimePoint last = saturating_add(head.enqueued_at, kMostOvertaking);
  Waiter* waiter = &head;
  for (std::uint32_t passed = 0; passed <= kMostPassed; ++passed) {
    if (waiter->home == home) return *waiter;
    waiter = waiter->next;
    if (waiter == nullptr || waiter->enqueued_at > last) return head;
  }
  return head;
}

void PoolState::fail_queued(Waiter& waiter, AcquireFailure failure,
                            TimePoint now) noexcept {
  dequeue(waiter, now);
  fail(waiter, failure, now);
  append_finished(waiter);
}

bool PoolState::is_failing() const noexcept {
  return backoff_.failures_in_a_row() > 0;
}

// Until when what is opening is young enough to be hoped for.
TimePoint PoolState::hope_deadline() const noexcept {
  const Slot* latest = table_.youngest(ConnectionState::kOpening);
  return latest ? saturating_add(latest->since, kSlow) : TimePoint::min();
}

bool PoolState::is_hopeless(TimePoint now) const noexcept {
  if (!is_failing() || table_.live() > 0) return false;
  if (now < hope_deadline()) return false;
  const bool tries = table_.count(ConnectionState::kOpening) > 0;
  return backoff_.holds(now) || (tries && !may_open());
}

// --- Connections -----------------------------------------------------------

// Why a connection that comes back must not be lent again.
std::optional<CloseReason> PoolState::retirement(const Slot& slot,
                                                 TimePoint now) const noexcept {
  if (slot.hung_up) return CloseReason::kBroken;
  if (closed_) return CloseReason::kDrain;
  if (is_over_max()) return CloseReason::kResize;
  if (max_uses_ && slot.uses >= *max_uses_) return CloseReason::kMaxUses;
  if (now >= slot.expires_at) return CloseReason::kMaxLifetime;
  if (slot.outdated && may_replace()) return CloseReason::kReload;
  return std::nullopt;
}

void PoolState::place(Slot& slot, TimePoint now) noexcept {
  slot.cleaning = false;
  if (const auto reason = retirement(slot, now)) {
    start_close(slot, *reason, now);
  } else {
    lend_or_keep(slot, now);
  }
}

void PoolState::lend_or_keep(Slot& slot, TimePoint now) noexcept {
  if (queue_.empty()) {
    table_.move_to(slot, ConnectionState::kIdle, now);
  } else {
    grant_queued(*queue_.head(), slot, now);
  }
}

void PoolState::start_close(Slot& slot, CloseReason reason,
                            TimePoint now) noexcept {
  const bool untouched =
      slot.state == ConnectionState::kOpening && slot.has_work;
  if (untouched) {  // nobody has begun to open it
    table_.remove(slot);
    return;
  }
  if (reason == CloseReason::kReload) may_part_ = false;
  slot.close_reason = reason;
  if (is_loss(reason)) ++lost_;
  table_.move_to(slot, ConnectionState::kClosing, now);
  add_work(slot, WorkKind::kClose);
}

void PoolState::end_lease(Slot& slot, TimePoint now) noexcept {
  find_leaks(now);  // this lease may be one that nobody has seen yet
  const Duration held = now - slot.since;
  const double seconds = std::chrono::duration<double>(held).count();
  counters_.lease_duration.observe(held);
  counters_.lease_seconds_squared += seconds * seconds;
}

void PoolState::add_work(Slot& slot, WorkKind kind) noexcept {
  table_.set_work(slot, kind);
  needs_housekeeper_ = true;
}

// From when it was opened.
void PoolState::set_lifetime(Slot& slot) noexcept {
  slot.expires_at = TimePoint::max();
  if (!max_lifetime_) return;
  const double most = static_cast<double>(Duration::max().count()) / 2;
  const double half = std::min(
      static_cast<double>(max_lifetime_->count()) * lifetime_jitter_, most);
  const Duration spread(static_cast<Duration::rep>(half));
  const Duration shortest = *max_lifetime_ - spread;
  slot.expires_at =
      saturating_add(saturating_add(slot.opened_at, shortest),
                     jitter_.between(Duration::zero(), 2 * spread));
  first_expiry_ = std::min(first_expiry_, slot.expires_at);
}

void PoolState::draw_lifetimes() noexcept {
  first_expiry_ = TimePoint::max();
  for (Slot& slot : table_.slots()) {
    const bool ends = slot.state == ConnectionState::kClosing;
    if (slot.in_use && slot.open && !ends) set_lifetime(slot);
  }
}

// Non-closing connections alone exceed the limit (it was lowered). Those
// being closed do not count: they are on their way out already.
bool PoolState::is_over_max() const noexcept {
  return table_.total() - table_.count(ConnectionState::kClosing) >
         max_connections_;
}

// Idle ones first, the coldest before all, then openings, the latest first.
// Leased and checked ones follow when they come back.
void PoolState::shed_excess(TimePoint now) noexcept {
  while (is_over_max()) {
    Slot* slot = table_.oldest(ConnectionState::kIdle);
    if (slot == nullptr) slot = table_.youngest(ConnectionState::kOpening);
    if (slot == nullptr) return;
    start_close(*slot, CloseReason::kResize, now);
  }
}

// Idle ones that would not be lent again if they came back now.
void PoolState::close_used_up(TimePoint now) noexcept {
  for (Slot& slot : table_.slots()) {
    if (!slot.in_use || slot.state != ConnectionState::kIdle) continue;
    if (max_uses_ && slot.uses >= *max_uses_) {
      start_close(slot, CloseReason::kMaxUses, now);
    } else if (now >= slot.expires_at) {
      start_close(slot, CloseReason::kMaxLifetime, now);
    }
  }
}

// --- Outdated connections --------------------------------------------------

// Whether one that is idle, or comes back, may go now.
bool PoolState::may_replace() const noexcept {
  if (may_part_) return true;
  // To make room for the opening that replaces it.
  const bool others_live = table_.live() > 1;
  return table_.total() >= max_connections_ &&
         table_.count(ConnectionState::kOpening) == 0 &&
         table_.count(ConnectionState::kClosing) == 0 &&
         (others_live || (proven_ && !is_failing()));
}

bool PoolState::wants_replacement() const noexcept {
  return !may_part_ && table_.outdated(ConnectionState::kIdle) > 0;
}

void PoolState::replace_outdated(TimePoint now) noexcept {
  if (table_.outdated(ConnectionState::kIdle) == 0 || !may_replace()) return;
  start_close(table_.oldest_outdated(ConnectionState::kIdle),
              CloseReason::kReload, now);
}

bool PoolState::is_fresh(const Slot& idle, TimePoint now) const noexcept {
  return now - idle.since <= check_after_idle_;
}

// --- What follows after each event -----------------------------------------

void PoolState::settle(TimePoint now) noexcept {
  if (closed_) return;
  find_slow_checks(now);
  start_checks(now);
  replace_outdated(now);
  start_openings(now);
  if (is_hopeless(now)) fail_all(fast_failure(), now);
}

// Requests that want a connection now.
std::uint32_t PoolState::asking() const noexcept {
  return queue_.size() + (refused_ ? 1 : 0);
}

// Those that no check works for. A check that takes long does not count: it
// may hang.
std::uint32_t PoolState::unhelped() const noexcept {
  const std::uint32_t checks = table_.count(ConnectionState::kChecking) -
                               table_.aged(ConnectionState::kChecking);
  return asking() - std::min(asking(), checks);
}

// Idle connections are lent at once while they are fresh, so those that are
// left while requests wait need a check.
void PoolState::start_checks(TimePoint now) noexcept {
  while (unhelped() > 0) {
    Slot* idle = table_.youngest(ConnectionState::kIdle);
    if (idle == nullptr) return;
    table_.move_to(*idle, ConnectionState::kChecking, now);
    add_work(*idle, WorkKind::kCheck);
  }
}

std::uint32_t PoolState::wanted_openings() const noexcept {
  if (closed_) return 0;
  const std::uint32_t live = table_.live();
  const std::uint32_t for_floor =
      min_connections_ - std::min(min_connections_, live);
  const std::uint32_t to_replace = wants_replacement() ? 1 : 0;
  // One opening serves all: a connection opened for a request is live.
  const std::uint32_t wanted = std::max({unhelped(), for_floor, to_replace});
  // One that has outlasted a step of the backoff may hang.
  const std::uint32_t opening =
      is_failing() ? 0 : table_.count(ConnectionState::kOpening);
  return wanted - std::min(wanted, opening);
}

bool PoolState::may_open() const noexcept {
  return table_.total() < max_connections_ &&
         table_.count(ConnectionState::kOpening) < max_concurrent_openings_;
}

void PoolState::start_openings(TimePoint now) noexcept {
  std::uint32_t wanted = wanted_openings();
  for (; wanted > 0 && may_open() && !backoff_.holds(now); --wanted) {
    Slot& slot = table_.add(now);
    slot.quick = is_failing() && !may_open() && is_quick_turn();
    backoff_.begun(now);
    add_work(slot, WorkKind::kOpen);
  }
}

// Openings that began before a retry that succeeded hang, as a rule, and would
// keep their places from others.
void PoolState::abort_overtaken(const Slot& opened, TimePoint now) noexcept {
  Slot* slot = table_.oldest(ConnectionState::kOpening);
  while (slot->since < opened.since) {
    start_close(*slot, CloseReason::kBroken, now);
    slot = table_.oldest(ConnectionState::kOpening);
  }
}

// Of a retry that takes the last place.
bool PoolState::is_quick_turn() noexcept {
  if (table_.count(ConnectionState::kOpening) > 1) return true;
  quick_turn_ = !quick_turn_;
  return quick_turn_;
}

void PoolState::fail_all(AcquireFailure failure, TimePoint now) noexcept {
  while (Waiter* head = queue_.head()) fail_queued(*head, failure, now);
}

}  // namespace dbpool::detail
