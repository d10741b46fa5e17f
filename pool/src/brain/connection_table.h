// ConnectionTable: the brain's connections. It keeps each in one state and in
// the list of that state, counts them, and queues the work they need. What
// should happen to a connection is decided elsewhere.
//
// Lists are ordered by when a connection entered its state, oldest first, so
// the longest lease, the coldest idle connection and the slowest check are
// found at once. All links are indices into one vector: nothing allocates but
// the constructor.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_BRAIN_CONNECTION_TABLE_H_
#define DBPOOL_POOL_SRC_BRAIN_CONNECTION_TABLE_H_

#include <array>
#include <cstdint>
#include <source_location>
#include <utility>
#include <vector>

#include "dbpool/stats.h"
#include "dbpool/tag.h"
#include "pool/src/brain/waiter.h"

namespace dbpool::detail {

// What the housekeeper is to do with a connection.
enum class WorkKind : std::uint8_t { kOpen, kCheck, kClean, kClose };

struct Work {
  WorkKind kind;
  ConnectionId id;
  CloseReason close_reason;    // kClose only
  bool abort_opening = false;  // kClose of one that is still opening
  bool quick = false;          // kOpen that may not take its whole time
};

inline constexpr std::uint32_t kNoSlot = UINT32_MAX;

struct Slot {
  std::uint32_t index = 0;
  std::uint32_t generation = 1;  // of the tenant, or the next one
  bool in_use = false;
  ConnectionState state = ConnectionState::kOpening;
  TimePoint since = {};  // when it entered its state

  // The tenant's facts.
  bool open = false;      // a session exists, or existed before closing
  bool hung_up = false;   // the server ended it; close it when it comes back
  bool cleaning = false;  // kChecking: a clean-up after a dirty return
  bool quick = false;     // kOpening: Work::quick
  bool outdated = false;  // opened before PoolState::renew(); of the table
  CloseReason close_reason = CloseReason::kBroken;  // kClosing
  int backend_pid = 0;
  std::uint64_t uses = 0;
  TimePoint opened_at = {};
  TimePoint expires_at = TimePoint::max();
  Tag tag = {};  // of the lease, as what follows
  std::source_location where = {};
  std::uintptr_t home = 0;

  // Links; of the table.
  bool aged = false;
  bool has_work = false;
  WorkKind work = WorkKind::kOpen;
  std::uint32_t previous = kNoSlot, next = kNoSlot;
  std::uint32_t work_previous = kNoSlot, work_next = kNoSlot;

  ConnectionId id() const noexcept { return {index, generation}; }
};

class ConnectionTable {
 public:
  explicit ConnectionTable(std::uint32_t capacity);

  // Moves into `room` if that is larger, and leaves the old storage there.
  void grow(std::vector<Slot>& room) noexcept;
  std::uint32_t capacity() const noexcept {
    return static_cast<std::uint32_t>(slots_.size());
  }

  std::uint32_t count(ConnectionState state) const noexcept {
    return counts_[static_cast<std::size_t>(state)];
  }
  const auto& counts() const noexcept { return counts_; }
  std::uint32_t total() const noexcept { return total_; }
  // What may be lent now or soon.
  std::uint32_t live() const noexcept {
    return count(ConnectionState::kIdle) + count(ConnectionState::kActive) +
           count(ConnectionState::kChecking);
  }

  // nullptr if the tenant has gone: a late event.
  const Slot* find(ConnectionId id) const noexcept;
  Slot* find(ConnectionId id) noexcept {
    return const_cast<Slot*>(std::as_const(*this).find(id));
  }
  // All slots, also those not in use.
  std::vector<Slot>& slots() noexcept { return slots_; }

  // A new tenant, opening. There must be a free slot.
  Slot& add(TimePoint now) noexcept;
  void remove(Slot& slot) noexcept;
  void move_to(Slot& slot, ConnectionState state, TimePoint now) noexcept;

  // All there are now become outdated, but those that are being closed.
  void mark_outdated() noexcept;
  std::uint32_t outdated(ConnectionState state) const noexcept {
    return list(state).outdated;
  }
  // The outdated one that entered the state first. There must be one.
  Slot& oldest_outdated(ConnectionState state) noexcept;

  // Who entered a state first, and last; nullptr if nobody is in it.
  const Slot* oldest(ConnectionState state) const noexcept {
    return at(list(state).oldest);
  }
  Slot* oldest(ConnectionState state) noexcept {
    return at(list(state).oldest);
  }
  const Slot* youngest(ConnectionState state) const noexcept {
    return at(list(state).youngest);
  }
  Slot* youngest(ConnectionState state) noexcept {
    return at(list(state).youngest);
  }
  const Slot* next_younger(const Slot& slot) const noexcept {
    return at(slot.next);
  }

  // Ageing of leases and checks. "Aged" are those that were passed by
  // age_next() and are still in the state: always the oldest ones.
  std::uint32_t aged(ConnectionState state) const noexcept {
    return list(state).aged;
  }
  // The oldest that is not aged; nullptr if there is none.
  const Slot* next_to_age(ConnectionState state) const noexcept {
    return at(list(state).next_to_age);
  }
  void age_next(ConnectionState state) noexcept;

  // Work, first in, first out; one for each connection, the latest.
  bool has_work() const noexcept { return work_head_ != kNoSlot; }
  void set_work(Slot& slot, WorkKind kind) noexcept;
  void clear_work(Slot& slot) noexcept;
  Work take_work() noexcept;  // there must be some

 private:
  struct List {
    std::uint32_t oldest = kNoSlot;
    std::uint32_t youngest = kNoSlot;
    std::uint32_t next_to_age = kNoSlot;
    std::uint32_t aged = 0;
    std::uint32_t outdated = 0;
  };

  const List& list(ConnectionState state) const noexcept {
    return lists_[static_cast<std::size_t>(state)];
  }
  List& list(ConnectionState state) noexcept {
    return lists_[static_cast<std::size_t>(state)];
  }
  std::uint32_t& counter(ConnectionState state) noexcept {
    return counts_[static_cast<std::size_t>(state)];
  }
  Slot* at(std::uint32_t index) noexcept {
    return index == kNoSlot ? nullptr : &slots_[index];
  }
  const Slot* at(std::uint32_t index) const noexcept {
    return index == kNoSlot ? nullptr : &slots_[index];
  }
  void append_free(std::uint32_t first) noexcept;
  void link(Slot& slot) noexcept;
  void unlink(Slot& slot) noexcept;

  std::vector<Slot> slots_;
  std::uint32_t free_ = kNoSlot;  // linked by `next`
  std::array<std::uint32_t, kConnectionStateCount> counts_ = {};
  std::uint32_t total_ = 0;
  std::array<List, kConnectionStateCount> lists_ = {};
  std::uint32_t work_head_ = kNoSlot, work_tail_ = kNoSlot;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_CONNECTION_TABLE_H_
