// PoolState: the brain. Connections, queue, limits, backoff, integrals.
//
// Pure decisions: no lock, no clock, no I/O, no user code, no allocation
// after construction except in resize(). Every event takes `now`, which never
// falls between two calls, and returns Effects: the waiters that are finished
// and whether the housekeeper must look. What connections need (open, check,
// clean, close) the housekeeper pulls with take_work().
//
// Thread-safety: none; the owner holds one mutex round each call.
// Ownership: Waiter nodes belong to their callers and must stay alive until
// finished (granted, failed or cancelled).
//
// Order: first in, first out; a connection that becomes free goes straight
// to the head of the queue. Idle connections are lent last in, first out, so
// that the pool can shrink.
//
// What a waiting request waits for (its WaitReason), total and in this order.
// Let live = idle + active + checking, and p = the request's place in the
// queue from 0:
//   p <  checking + opening, last opening did not fail or live > 0 -> kOpening
//   live == 0, last opening failed with kTooManyConnections     -> kServerSlots
//   live == 0, last opening failed otherwise                    -> kBackendDown
//   total < max, backing off after kTooManyConnections          -> kServerSlots
//   total < max (an opening is to come: cap, backoff)           -> kOpening
//   otherwise (leased and closing ones fill the limit)          -> kCapacity
// An acquire fails at once, without queueing, with kBackendDown or
// kServerSlots when live == 0, nothing is opening and the pool backs off;
// with kQueueFull when the queue is at its bound; with kClosed after close().
#ifndef DBPOOL_POOL_SRC_POOL_STATE_H_
#define DBPOOL_POOL_SRC_POOL_STATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <vector>

#include "dbpool/options.h"
#include "dbpool/stats.h"
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
  void* owner = nullptr;  // for the effects' executor; never touched here

  enum class State : std::uint8_t { kNew, kQueued, kGranted, kFailed };
  State state = State::kNew;
  AcquireFailure failure = AcquireFailure::kClosed;  // when kFailed
  ConnectionId granted = {};                         // when kGranted
  TimePoint enqueued_at = {};
  // Links; intrusive so that no event allocates.
  Waiter* previous = nullptr;
  Waiter* next = nullptr;          // also links Effects::finished
  std::uint32_t heap_index = 0;    // in the deadline heap
};

struct Effects {
  Waiter* finished = nullptr;  // singly linked by `next`, oldest first
  bool wake_housekeeper = false;
};

enum class WorkKind : std::uint8_t { kOpen, kCheck, kClean, kClose };

struct Work {
  WorkKind kind;
  ConnectionId id;
  CloseReason close_reason;   // kClose only
  bool abort_opening = false;  // kClose of one that is still opening
};

// In what state a lease comes back.
enum class ReturnState : std::uint8_t {
  kClean,   // idle on the wire, outside a transaction
  kDirty,   // inside a transaction or amid a statement: clean it
  kBroken,  // close it (reason broken)
  kRetire,  // works, but must not be lent again (reason broken)
};

struct OpenedFacts {
  int backend_pid = 0;
  Duration total{0};
  std::array<std::optional<Duration>, kConnectPhaseCount> phases = {};
};

// A lease, for leak reports, error texts and close().
struct LeaseFacts {
  ConnectionId id;
  Tag tag;
  std::source_location where;
  int backend_pid = 0;
  Duration age{0};
};

// What the facade needs to word an event about a closed connection.
struct ClosedFacts {
  int backend_pid = 0;
  CloseReason reason = CloseReason::kBroken;
  std::uint64_t uses = 0;
  Duration age{0};
  bool was_open = false;  // false: an opening that was aborted
};

// The state of the backoff after an opening failed.
struct FailedFacts {
  std::uint32_t failures_in_a_row = 0;
  Duration next_try_in{0};
};

class PoolState {
 public:
  // `options` must be valid (see validate()). Seeds its jitter from
  // options.random_seed (the facade fills it).
  PoolState(const PoolOptions& options, TimePoint now);
  ~PoolState();
  PoolState(const PoolState&) = delete;
  PoolState& operator=(const PoolState&) = delete;

  // --- Callers -------------------------------------------------------------
  // Afterwards `waiter.state` is kGranted, kFailed (both finished, not in
  // Effects::finished) or kQueued.
  Effects acquire(Waiter& waiter, TimePoint now) noexcept;
  // The caller gives up a queued waiter (kCancelled), or its deadline passed
  // (the timeout that fits its reason, if now >= deadline). False if it was
  // finished already: then its grant or failure stands.
  bool cancel(Waiter& waiter, TimePoint now) noexcept;
  bool expire(Waiter& waiter, TimePoint now) noexcept;
  Effects release(ConnectionId id, ReturnState state, TimePoint now) noexcept;

  // --- Housekeeper ---------------------------------------------------------
  Effects opened(ConnectionId id, const OpenedFacts& facts,
                 TimePoint now) noexcept;
  Effects open_failed(ConnectionId id, ConnectFailure failure, TimePoint now,
                      FailedFacts* facts) noexcept;
  Effects checked(ConnectionId id, bool alive, TimePoint now) noexcept;
  Effects cleaned(ConnectionId id, bool usable, TimePoint now) noexcept;
  Effects closed(ConnectionId id, TimePoint now, ClosedFacts* facts) noexcept;
  // The server hung up on a connection. Idle: close it. Leased: close it on
  // return. Otherwise nothing: its machine will tell.
  Effects hung_up(ConnectionId id, TimePoint now) noexcept;
  // Timers: waiters' deadlines, idle timeouts, lifetimes, backoff, leaks,
  // the peak's window.
  Effects advance(TimePoint now) noexcept;
  // Never later than the next moment at which advance() would do something;
  // TimePoint::max() if none. Strictly after `now` once advance(now) ran.
  TimePoint next_deadline() const noexcept;
  // Moves pending work into `out` (cleared first; give it capacity
  // kMaxWorkBatch; more is left for the next call). True if more is left.
  static constexpr std::size_t kMaxWorkBatch = 64;
  bool take_work(std::vector<Work>& out) noexcept;
  // Leases that crossed the leak threshold since the last call.
  bool take_leaks(std::vector<LeaseFacts>& out, TimePoint now) noexcept;

  // --- Control -------------------------------------------------------------
  Effects resize(std::uint32_t min_connections, std::uint32_t max_connections,
                 TimePoint now);
  Effects close(TimePoint now) noexcept;
  bool is_closed() const noexcept;     // close() was called
  bool is_drained() const noexcept;    // closed, and total == 0

  // --- Reading -------------------------------------------------------------
  // Everything of PoolStats but name, target, last_failure's text and
  // queries.
  void snapshot(TimePoint now, PoolStats& out) const noexcept;
  // Up to `most` leases, longest first.
  std::vector<LeaseFacts> longest_leases(std::size_t most,
                                         TimePoint now) const;

 private:
  class Impl;  // or members here, as the author sees fit
  std::unique_ptr<Impl> impl_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_POOL_STATE_H_
