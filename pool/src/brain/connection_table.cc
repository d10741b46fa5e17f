#include "pool/src/brain/connection_table.h"

#include <algorithm>
#include <cassert>

namespace dbpool::detail {

ConnectionTable::ConnectionTable(std::uint32_t capacity) : slots_(capacity) {
  append_free(0);
}

void ConnectionTable::grow(std::vector<Slot>& room) noexcept {
  const std::uint32_t before = capacity();
  if (room.size() <= before) return;
  std::copy(slots_.begin(), slots_.end(), room.begin());
  slots_.swap(room);
  append_free(before);
}

// Makes slots from `first` on free, the lowest to be taken first.
void ConnectionTable::append_free(std::uint32_t first) noexcept {
  for (std::uint32_t i = capacity(); i > first; --i) {
    Slot& slot = slots_[i - 1];
    slot.index = i - 1;
    slot.next = free_;
    free_ = slot.index;
  }
}

const Slot* ConnectionTable::find(ConnectionId id) const noexcept {
  if (id.slot >= slots_.size()) return nullptr;
  const Slot& slot = slots_[id.slot];
  const bool same = slot.in_use && slot.generation == id.generation;
  return same ? &slot : nullptr;
}

Slot& ConnectionTable::add(TimePoint now) noexcept {
  assert(free_ != kNoSlot);
  Slot& slot = slots_[free_];
  free_ = slot.next;
  const std::uint32_t index = slot.index;
  const std::uint32_t generation = slot.generation;
  slot = Slot{};
  slot.index = index;
  slot.generation = generation;
  slot.in_use = true;
  slot.since = now;
  ++counter(slot.state);
  ++total_;
  link(slot);
  return slot;
}

void ConnectionTable::remove(Slot& slot) noexcept {
  assert(slot.in_use);
  clear_work(slot);
  unlink(slot);
  --counter(slot.state);
  --total_;
  slot.in_use = false;
  ++slot.generation;
  slot.next = free_;
  free_ = slot.index;
}

void ConnectionTable::move_to(Slot& slot, ConnectionState state,
                              TimePoint now) noexcept {
  unlink(slot);
  --counter(slot.state);
  slot.state = state;
  slot.since = now;
  ++counter(state);
  link(slot);
}

void ConnectionTable::link(Slot& slot) noexcept {
  List& in = list(slot.state);
  slot.previous = in.youngest;
  slot.next = kNoSlot;
  slot.aged = false;
  (in.youngest == kNoSlot ? in.oldest : slots_[in.youngest].next) = slot.index;
  in.youngest = slot.index;
  if (slot.outdated) ++in.outdated;
  if (in.next_to_age == kNoSlot) in.next_to_age = slot.index;
}

void ConnectionTable::unlink(Slot& slot) noexcept {
  List& in = list(slot.state);
  if (in.next_to_age == slot.index) in.next_to_age = slot.next;
  if (slot.aged) --in.aged;
  if (slot.outdated) --in.outdated;
  (slot.previous == kNoSlot ? in.oldest : slots_[slot.previous].next) =
      slot.next;
  (slot.next == kNoSlot ? in.youngest : slots_[slot.next].previous) =
      slot.previous;
}

void ConnectionTable::mark_outdated() noexcept {
  for (Slot& slot : slots_) {
    const bool leaves = slot.state == ConnectionState::kClosing;
    if (!slot.in_use || slot.outdated || leaves) continue;
    slot.outdated = true;
    ++list(slot.state).outdated;
  }
}

Slot& ConnectionTable::oldest_outdated(ConnectionState state) noexcept {
  assert(outdated(state) > 0);
  Slot* slot = oldest(state);
  while (!slot->outdated) slot = at(slot->next);
  return *slot;
}

void ConnectionTable::age_next(ConnectionState state) noexcept {
  List& in = list(state);
  assert(in.next_to_age != kNoSlot);
  Slot& slot = slots_[in.next_to_age];
  slot.aged = true;
  ++in.aged;
  in.next_to_age = slot.next;
}

void ConnectionTable::set_work(Slot& slot, WorkKind kind) noexcept {
  clear_work(slot);
  slot.work = kind;
  slot.has_work = true;
  slot.work_previous = work_tail_;
  slot.work_next = kNoSlot;
  (work_tail_ == kNoSlot ? work_head_ : slots_[work_tail_].work_next) =
      slot.index;
  work_tail_ = slot.index;
}

void ConnectionTable::clear_work(Slot& slot) noexcept {
  if (!slot.has_work) return;
  slot.has_work = false;
  (slot.work_previous == kNoSlot ? work_head_
                                 : slots_[slot.work_previous].work_next) =
      slot.work_next;
  (slot.work_next == kNoSlot ? work_tail_
                             : slots_[slot.work_next].work_previous) =
      slot.work_previous;
}

Work ConnectionTable::take_work() noexcept {
  assert(has_work());
  Slot& slot = slots_[work_head_];
  const Work work = {
      .kind = slot.work,
      .id = slot.id(),
      .close_reason = slot.close_reason,
      .abort_opening = slot.work == WorkKind::kClose && !slot.open,
      .quick = slot.work == WorkKind::kOpen && slot.quick};
  clear_work(slot);
  return work;
}

}  // namespace dbpool::detail
