// What time alone brings about, and when the next of it is due.
#include <algorithm>
#include <cassert>

#include "pool/src/brain/pool_state.h"

namespace dbpool::detail {

Effects PoolState::advance(TimePoint now) noexcept {
  now = begin(now);
  expire_waiters(now);
  find_leaks(now);
  recycle_expired(now);
  reap_idle(now);
  return end(now);
}

TimePoint PoolState::next_deadline() noexcept {
  armed_ = earliest_deadline();
  return armed_;
}

TimePoint PoolState::earliest_deadline() const noexcept {
  TimePoint next = std::min(queue_.first_deadline(), first_expiry_);
  next = std::min(next, leak_deadline());
  next = std::min(next, idle_deadline());
  next = std::min(next, slow_check_deadline());
  next = std::min(next, lost_hope_deadline());
  return std::min(next, retry_deadline());
}

// --- Waiters' deadlines ----------------------------------------------------

void PoolState::expire_waiters(TimePoint now) noexcept {
  while (queue_.first_deadline() <= now) {
    Waiter& waiter = *queue_.first_to_expire();
    fail_queued(waiter, timeout_of(waiter), now);
  }
}

// --- Leaks -----------------------------------------------------------------

TimePoint PoolState::leak_deadline() const noexcept {
  if (!leak_threshold_) return TimePoint::max();
  const Slot* next = table_.next_to_age(ConnectionState::kActive);
  if (next == nullptr) return TimePoint::max();
  return saturating_add(next->since, *leak_threshold_);
}

void PoolState::find_leaks(TimePoint now) noexcept {
  while (leak_deadline() <= now) {
    const Slot& slot = *table_.next_to_age(ConnectionState::kActive);
    table_.age_next(ConnectionState::kActive);
    ++counters_.leaks_suspected;
    // Full only when nobody takes them; then the count alone must do.
    if (leaks_.size() < leaks_.capacity()) {
      leaks_.push_back(facts_of(slot, now));
      needs_housekeeper_ = true;
    }
  }
}

// --- Slow checks -----------------------------------------------------------

TimePoint PoolState::slow_check_deadline() const noexcept {
  if (asking() == 0) return TimePoint::max();
  const Slot* next = table_.next_to_age(ConnectionState::kChecking);
  if (next == nullptr) return TimePoint::max();
  return saturating_add(next->since, kSlow);
}

void PoolState::find_slow_checks(TimePoint now) noexcept {
  while (slow_check_deadline() <= now) {
    table_.age_next(ConnectionState::kChecking);
  }
}

// --- Lifetimes -------------------------------------------------------------

// A sweep, but at most one for each connection opened: only one that expires
// brings first_expiry_ about.
void PoolState::recycle_expired(TimePoint now) noexcept {
  if (now < first_expiry_) return;
  first_expiry_ = TimePoint::max();
  for (Slot& slot : table_.slots()) {
    if (!slot.in_use || slot.state == ConnectionState::kClosing) continue;
    if (slot.expires_at > now) {
      first_expiry_ = std::min(first_expiry_, slot.expires_at);
    } else if (slot.state == ConnectionState::kIdle) {
      start_close(slot, CloseReason::kMaxLifetime, now);
    }
  }
}

// --- Idle timeouts ---------------------------------------------------------

TimePoint PoolState::idle_deadline() const noexcept {
  const bool above_floor = table_.live() > min_connections_;
  if (!idle_timeout_ || !above_floor) return TimePoint::max();
  const Slot* coldest = table_.oldest(ConnectionState::kIdle);
  if (coldest == nullptr) return TimePoint::max();
  return saturating_add(coldest->since, *idle_timeout_);
}

void PoolState::reap_idle(TimePoint now) noexcept {
  while (idle_deadline() <= now) {
    Slot& coldest = *table_.oldest(ConnectionState::kIdle);
    start_close(coldest, CloseReason::kIdleTimeout, now);
  }
}

// --- Backoff ---------------------------------------------------------------

// Only while an opening would be begun then: nothing wakes for nothing.
TimePoint PoolState::retry_deadline() const noexcept {
  const bool waits = backoff_.holds(now_) && may_open();
  return waits && wanted_openings() > 0 ? backoff_.retry_at()
                                        : TimePoint::max();
}

// Those that wait are failed then.
TimePoint PoolState::lost_hope_deadline() const noexcept {
  const bool hopes = is_failing() && table_.live() == 0 && !queue_.empty() &&
                     now_ < hope_deadline();
  return hopes ? hope_deadline() : TimePoint::max();
}

// --- Integrals -------------------------------------------------------------

// Levels change with events only.
void PoolState::integrate(PoolIntegrals& into, TimePoint now) const noexcept {
  if (now <= now_) return;
  into.add_connections(table_.counts(), max_connections_, now - now_);
  if (!queue_.empty()) into.add_waiting(waiting(), now - now_);
}

}  // namespace dbpool::detail
