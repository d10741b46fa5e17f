// Waiter: one request for a connection, as the brain sees it.
#ifndef DBPOOL_POOL_SRC_BRAIN_WAITER_H_
#define DBPOOL_POOL_SRC_BRAIN_WAITER_H_

#include <cstdint>
#include <source_location>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "dbpool/tag.h"

namespace dbpool::detail {

// A connection's place in the brain. A slot is reused; the generation tells
// a late event for an earlier tenant apart (it is ignored).
struct ConnectionId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(ConnectionId, ConnectionId) = default;
};

// One request. The caller fills the first block; the brain owns the rest
// until the waiter is finished.
struct Waiter {
  TimePoint deadline = TimePoint::max();
  Tag tag = {};
  std::source_location where = {};
  // Where the caller is at home, an opaque number; 0: nowhere. A lease that
  // comes back may go to a request of its own home before its turn.
  std::uintptr_t home = 0;
  void* owner = nullptr;  // for the effects' executor; never touched here

  enum class State : std::uint8_t { kNew, kQueued, kGranted, kFailed };
  State state = State::kNew;
  AcquireFailure failure = AcquireFailure::kClosed;  // when kFailed
  ConnectionId granted = {};                         // when kGranted
  TimePoint enqueued_at = {};
  // Links; intrusive so that no event allocates.
  Waiter* previous = nullptr;
  Waiter* next = nullptr;        // also links Effects::finished
  std::uint32_t heap_index = 0;  // in the deadline heap
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_WAITER_H_
