// Why requests wait, and the snapshot.
#include <algorithm>
#include <cstddef>

#include "pool/src/brain/pool_state.h"

namespace dbpool::detail {

// The decision table of dbpool/stats.h: two of its rows by place, the others
// alike for the rest of the queue.
PoolState::WaitSplit PoolState::wait_split() const noexcept {
  const bool no_slots = last_failure_ == ConnectFailure::kTooManyConnections;
  if (is_failing() && table_.live() == 0) {
    return {.opening = 0,
            .others =
                no_slots ? WaitReason::kServerSlots : WaitReason::kBackendDown};
  }
  const std::uint32_t checking = table_.count(ConnectionState::kChecking);
  const std::uint32_t opening = table_.count(ConnectionState::kOpening);
  // A retry under way neither helps yet nor fills the limit.
  if (is_failing() && no_slots && table_.total() - opening < max_connections_) {
    return {.opening = checking, .others = WaitReason::kServerSlots};
  }
  return {.opening = checking + opening, .others = others_wait_for()};
}

WaitReason PoolState::others_wait_for() const noexcept {
  if (table_.total() < max_connections_) return WaitReason::kOpening;
  if (table_.count(ConnectionState::kActive) > 0) return WaitReason::kCapacity;
  // Nobody holds a connection: what fills the limit is on its way, or was lost.
  const bool is_on_its_way = lost_ > 0 ||
                             table_.count(ConnectionState::kOpening) > 0 ||
                             table_.count(ConnectionState::kChecking) > 0;
  return is_on_its_way ? WaitReason::kOpening : WaitReason::kCapacity;
}

WaitReason PoolState::reason_of(const Waiter& waiter) const noexcept {
  const WaitSplit split = wait_split();
  return queue_.is_within(waiter, split.opening) ? WaitReason::kOpening
                                                 : split.others;
}

AcquireFailure PoolState::timeout_of(const Waiter& waiter) const noexcept {
  switch (reason_of(waiter)) {
    case WaitReason::kCapacity:
      return AcquireFailure::kTimeoutCapacity;
    case WaitReason::kOpening:
      return AcquireFailure::kTimeoutOpening;
    case WaitReason::kBackendDown:
      return AcquireFailure::kTimeoutBackendDown;
    case WaitReason::kServerSlots:
      break;
  }
  return AcquireFailure::kServerSlots;
}

AcquireFailure PoolState::fast_failure() const noexcept {
  return last_failure_ == ConnectFailure::kTooManyConnections
             ? AcquireFailure::kServerSlots
             : AcquireFailure::kBackendDown;
}

std::array<std::uint32_t, kWaitReasonCount> PoolState::waiting()
    const noexcept {
  std::array<std::uint32_t, kWaitReasonCount> counts = {};
  if (queue_.empty()) return counts;
  const WaitSplit split = wait_split();
  const std::uint32_t first = std::min(split.opening, queue_.size());
  counts[static_cast<std::size_t>(WaitReason::kOpening)] = first;
  counts[static_cast<std::size_t>(split.others)] += queue_.size() - first;
  return counts;
}

LeaseFacts PoolState::facts_of(const Slot& slot, TimePoint now) const noexcept {
  return {.id = slot.id(),
          .tag = slot.tag,
          .where = slot.where,
          .backend_pid = slot.backend_pid,
          .age = now - slot.since};
}

std::uint32_t PoolState::overdue_leases(TimePoint now) const noexcept {
  std::uint32_t overdue = table_.aged(ConnectionState::kActive);
  if (!leak_threshold_) return overdue;
  // Those that crossed the threshold since the latest event.
  const Slot* slot = table_.next_to_age(ConnectionState::kActive);
  while (slot != nullptr && now - slot->since >= *leak_threshold_) {
    ++overdue;
    slot = table_.next_younger(*slot);
  }
  return overdue;
}

void PoolState::snapshot(TimePoint now, PoolStats& out) const noexcept {
  now = std::max(now, now_);
  out.closed = closed_;
  out.connections = table_.counts();
  out.total = table_.total();
  out.waiting = waiting();
  out.waiting_total = queue_.size();
  out.max_connections = max_connections_;
  out.min_connections = min_connections_;
  out.max_waiting_requests = queue_.bound();
  out.waiting_peak = waiting_peak_.peak(now);
  out.overdue_leases = overdue_leases(now);
  const Waiter* head = queue_.head();
  out.oldest_waiting_age = head ? now - head->enqueued_at : Duration::zero();
  const Slot* lease = table_.oldest(ConnectionState::kActive);
  out.oldest_lease_age = lease ? now - lease->since : Duration::zero();
  out.backing_off = backoff_.holds(now);
  if (last_failed_at_) {
    out.last_failure.seen = true;
    out.last_failure.reason = last_failure_;
    out.last_failure.ago = std::chrono::duration_cast<std::chrono::seconds>(
        now - *last_failed_at_);
  }
  PoolIntegrals integrals = integrals_;
  integrate(integrals, now);
  integrals.write_to(out);
  counters_.write_to(out);
}

std::size_t PoolState::longest_leases(std::span<LeaseFacts> out,
                                      TimePoint now) const noexcept {
  now = std::max(now, now_);
  std::size_t filled = 0;
  const Slot* slot = table_.oldest(ConnectionState::kActive);
  for (; slot != nullptr && filled < out.size();
       slot = table_.next_younger(*slot)) {
    out[filled++] = facts_of(*slot, now);
  }
  return filled;
}

ConnectionFacts PoolState::connection_of(const Slot& slot,
                                         TimePoint now) const noexcept {
  ConnectionFacts facts = {
      .id = slot.id(),
      .state = slot.state,
      .in_state = now - slot.since,
      .age = now - (slot.open ? slot.opened_at : slot.since),
      .uses = slot.uses,
      .backend_pid = slot.backend_pid};
  if (slot.state == ConnectionState::kActive) {
    facts.tag = slot.tag;
    facts.where = slot.where;
  }
  return facts;
}

std::size_t PoolState::connections(std::span<ConnectionFacts> out,
                                   TimePoint now) const noexcept {
  now = std::max(now, now_);
  std::size_t filled = 0;
  for (const ConnectionState state :
       {ConnectionState::kActive, ConnectionState::kChecking,
        ConnectionState::kOpening, ConnectionState::kIdle,
        ConnectionState::kClosing}) {
    const Slot* slot = table_.oldest(state);
    for (; slot != nullptr && filled < out.size();
         slot = table_.next_younger(*slot)) {
      out[filled++] = connection_of(*slot, now);
    }
  }
  return filled;
}

std::optional<LeaseFacts> PoolState::lease(ConnectionId id,
                                           TimePoint now) const noexcept {
  const Slot* slot = table_.find(id);
  if (slot == nullptr || slot->state != ConnectionState::kActive) {
    return std::nullopt;
  }
  return facts_of(*slot, std::max(now, now_));
}

PoolRoom PoolState::room() const noexcept {
  return {.idle = table_.count(ConnectionState::kIdle),
          .max_connections = max_connections_,
          .may_grow = table_.total() < max_connections_,
          .waiting = queue_.size()};
}

}  // namespace dbpool::detail
