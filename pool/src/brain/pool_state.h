// PoolState: the brain. Connections, queue, limits, backoff, integrals.
//
// Pure decisions: no lock, no clock, no I/O, no user code, and no allocation
// after construction: all of it runs under the pool's mutex. Every event takes
// `now`, which never falls between two calls, and returns Effects: the waiters
// that are finished and whether the housekeeper must look. What connections
// need (open, check, clean, close) the housekeeper pulls with take_work().
//
// Thread-safety: none; the owner holds one mutex round each call.
// Ownership: Waiter nodes belong to their callers and must stay alive until
// finished (granted, failed or cancelled).
//
// Order: first in, first out; a connection that becomes free goes straight
// to the head of the queue, but for this: a clean lease that comes back goes
// to the first request of its own home (Waiter::home) that came at most
// kMostOvertaking after the head. So nobody is ever overtaken by a request
// that came more than that later. Idle connections are lent last in, first out,
// so that the pool can shrink.
//
// What a waiting request waits for, its WaitReason, is decided by the table in
// dbpool/stats.h; what the last opening said stands until the next one ends.
//
// An acquire fails at once, without queueing, with kBackendDown or
// kServerSlots when there is no hope: nothing is live, the last opening
// failed, and the pool backs off, or all that is opening has lasted for kSlow
// or longer. With kQueueFull when the queue is at its bound; with kClosed
// after close(). Requests that are waiting when hope ends fail, too. So who
// comes first after a backoff brings a retry about and waits for it, but into
// a black hole nobody waits for longer than kSlow.
//
// While the last opening failed, one opening begins at each step of the
// backoff: what brought the server down must not meet it when it comes up. One
// that hangs is overtaken by the next: a new try finds a network that healed,
// or an address that changed, sooner, and if it succeeds the ones it overtook
// are given up. Retries take their whole time, or a
// server that needs it would be kept out for ever; only the one that takes the
// last place (of the limit, or of the openings at once) is a quick one
// (Work::quick), and every other time only where it is the only one.
//
// After renew() connections are outdated and give way to new ones, one after
// the other: each opening that succeeds lets one go, one that is idle or comes
// back. While any is idle an opening is begun for that. Where the limit leaves
// no room for it one goes ahead and makes room, but never the last live one
// before an opening has succeeded, or while openings fail. So what cannot be
// opened costs one connection.
#ifndef DBPOOL_POOL_SRC_BRAIN_POOL_STATE_H_
#define DBPOOL_POOL_SRC_BRAIN_POOL_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <span>
#include <vector>

#include "dbpool/options.h"
#include "dbpool/stats.h"
#include "dbpool/tag.h"
#include "pool/src/brain/backoff.h"
#include "pool/src/brain/connection_table.h"
#include "pool/src/brain/jitter.h"
#include "pool/src/brain/pool_accounting.h"
#include "pool/src/brain/pool_room.h"
#include "pool/src/brain/sliding_peak.h"
#include "pool/src/brain/wait_queue.h"
#include "pool/src/brain/waiter.h"

namespace dbpool::detail {

struct Effects {
  Waiter* finished = nullptr;  // singly linked by `next`, oldest first
  bool wake_housekeeper = false;
  bool empty() const noexcept { return !finished && !wake_housekeeper; }
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

// Closed because the server ended it or no longer answers on it, not because
// the pool is done with it.
constexpr bool is_loss(CloseReason reason) noexcept {
  return reason == CloseReason::kBroken ||
         reason == CloseReason::kCheckFailed || reason == CloseReason::kDirty;
}

// A lease, for leak reports, error texts and close().
struct LeaseFacts {
  ConnectionId id;
  Tag tag;
  std::source_location where;
  int backend_pid = 0;
  Duration age{0};
};

// A connection, for Pool::connections() and error texts.
struct ConnectionFacts {
  ConnectionId id;
  ConnectionState state = ConnectionState::kOpening;
  Duration in_state{0};
  Duration age{0};  // since it was opened, or began to be
  std::uint64_t uses = 0;
  int backend_pid = 0;
  Tag tag = {};  // of the lease; empty unless kActive
  std::source_location where = {};
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
  // A check or clean-up that lasts longer no longer counts as help for the
  // queue: another check or opening is begun in its place. An opening that
  // lasts longer is no hope where the last one failed.
  static constexpr Duration kSlow = std::chrono::milliseconds(100);
  // A retry overtakes one that has lasted for so long, not before: who waits
  // for that one has lost hope by then.
  static constexpr Duration kOvertakes = Backoff::kHung;
  // See "Order" above. Looking further than so many places would cost more
  // than it gains.
  static constexpr Duration kMostOvertaking = std::chrono::milliseconds(1);
  static constexpr std::uint32_t kMostPassed = 16;

  // `options` must be valid (see validate()). Seeds its jitter from
  // options.random_seed (the facade fills it).
  PoolState(const PoolOptions& options, TimePoint now);
  PoolState(const PoolState&) = delete;
  PoolState& operator=(const PoolState&) = delete;

  // --- Callers -------------------------------------------------------------
  // Afterwards `waiter.state` is kGranted, kFailed (both finished, not in
  // Effects::finished) or kQueued.
  Effects acquire(Waiter& waiter, TimePoint now) noexcept;
  // The caller gives up a queued waiter (kCancelled), or its deadline passed
  // (the timeout that fits its reason, if now >= deadline; otherwise nothing
  // happens). False if it was finished already: then its grant or failure
  // stands.
  bool cancel(Waiter& waiter, TimePoint now) noexcept;
  bool expire(Waiter& waiter, TimePoint now) noexcept;
  Effects release(ConnectionId id, ReturnState state, TimePoint now) noexcept;

  // --- Housekeeper ---------------------------------------------------------
  // Events of connections that have gone, or are being closed, are ignored
  // (`facts` then stay as they are); so are null `facts`.
  Effects opened(ConnectionId id, const OpenedFacts& facts,
                 TimePoint now) noexcept;
  Effects open_failed(ConnectionId id, ConnectFailure failure, TimePoint now,
                      FailedFacts* facts) noexcept;
  Effects checked(ConnectionId id, bool alive, TimePoint now) noexcept;
  Effects cleaned(ConnectionId id, bool usable, TimePoint now) noexcept;
  Effects closed(ConnectionId id, TimePoint now, ClosedFacts* facts) noexcept;
  // The server hung up on a connection. Idle: close it. Leased or checked:
  // close it when it comes back.
  Effects hung_up(ConnectionId id, TimePoint now) noexcept;
  // Timers: waiters' deadlines, idle timeouts, lifetimes, backoff, leaks,
  // slow checks.
  Effects advance(TimePoint now) noexcept;
  // Never later than the next moment at which advance() would do something;
  // TimePoint::max() if none. Strictly after `now` once advance(now) ran.
  // For the housekeeper before it sleeps: Effects::wake_housekeeper tells
  // when a later event needs it earlier than this.
  TimePoint next_deadline() noexcept;
  // Moves pending work into `out` (cleared first; give it capacity
  // kMaxWorkBatch; more is left for the next call). True if more is left.
  // An opening or check whose machine runs may be followed by kClose for the
  // same connection: abandon the machine. Work that became pointless before
  // it was taken is dropped.
  static constexpr std::size_t kMaxWorkBatch = 64;
  bool take_work(std::vector<Work>& out) noexcept;
  // Leases that crossed the leak threshold since the last call, at most
  // kMaxWorkBatch (`out` as above). True if `out` is not empty: call again.
  bool take_leaks(std::vector<LeaseFacts>& out, TimePoint now) noexcept;

  // --- Control -------------------------------------------------------------
  // Storage for what `options` allow, to be made before the owner's lock is
  // taken and freed after it: reconfigure() leaves in it what it does not need.
  struct Room {
    explicit Room(const PoolOptions& options);
    std::vector<Slot> slots;
    std::vector<LeaseFacts> leaks;
    std::vector<WaitQueue::Entry> deadlines;
  };
  // From now on `options` hold, also for connections and requests that are
  // there; random_seed is not looked at. They must be valid, and `room` made
  // for them. Lifetimes, if they change, are drawn anew. Requests that wait
  // stay in the queue, and leases that were reported as leaks stay reported.
  Effects reconfigure(const PoolOptions& options, TimePoint now,
                      Room& room) noexcept;
  // What connections are opened with has changed: those that are there give
  // way to new ones, see above; what is being opened is given up. Failures so
  // far say nothing of what comes.
  Effects renew(TimePoint now) noexcept;
  Effects close(TimePoint now) noexcept;
  bool is_closed() const noexcept { return closed_; }  // close() was called
  bool is_drained() const noexcept;                    // closed, and total == 0
  // Slots are numbered below this; it grows in reconfigure() only.
  std::uint32_t slot_count() const noexcept { return table_.capacity(); }

  // --- Reading -------------------------------------------------------------
  // Everything of PoolStats but name, target, last_failure's text and
  // queries.
  void snapshot(TimePoint now, PoolStats& out) const noexcept;
  // Fills `out` with leases, longest first. How many there were to fill in.
  std::size_t longest_leases(std::span<LeaseFacts> out,
                             TimePoint now) const noexcept;
  // Fills `out` with connections: those leased first, then by state; longest
  // in it first. How many there were to fill in.
  std::size_t connections(std::span<ConnectionFacts> out,
                          TimePoint now) const noexcept;
  // What could be lent now, and who waits.
  PoolRoom room() const noexcept;
  // nullopt if it is not leased.
  std::optional<LeaseFacts> lease(ConnectionId id,
                                  TimePoint now) const noexcept;

 private:
  // The queue seen by reason: the first `opening` requests wait for kOpening,
  // all others for `others`. Changes with events only, never with time.
  struct WaitSplit {
    std::uint32_t opening;
    WaitReason others;
  };

  void adopt(const PoolOptions& options) noexcept;
  // Every event begins and ends with these (pool_state.cc).
  TimePoint begin(TimePoint now) noexcept;
  Effects end(TimePoint now) noexcept;
  bool is_settled(TimePoint now) const noexcept;
  Effects check_ended(ConnectionId id, bool good, CloseReason reason,
                      TimePoint now) noexcept;

  // What becomes of requests and connections (pool_state_policy.cc).
  void grant(Waiter& waiter, Slot& slot, TimePoint now) noexcept;
  void fail(Waiter& waiter, AcquireFailure failure, TimePoint now) noexcept;
  void dequeue(Waiter& waiter, TimePoint now) noexcept;
  void append_finished(Waiter& waiter) noexcept;
  void grant_queued(Waiter& waiter, Slot& slot, TimePoint now) noexcept;
  Waiter& next_at(std::uintptr_t home) const noexcept;
  void fail_queued(Waiter& waiter, AcquireFailure failure,
                   TimePoint now) noexcept;
  void fail_all(AcquireFailure failure, TimePoint now) noexcept;
  bool is_failing() const noexcept;
  TimePoint hope_deadline() const noexcept;
  bool is_hopeless(TimePoint now) const noexcept;
  std::optional<CloseReason> retirement(const Slot& slot,
                                        TimePoint now) const noexcept;
  void place(Slot& slot, TimePoint now) noexcept;
  void lend_or_keep(Slot& slot, TimePoint now) noexcept;
  void start_close(Slot& slot, CloseReason reason, TimePoint now) noexcept;
  void end_lease(Slot& slot, TimePoint now) noexcept;
  void add_work(Slot& slot, WorkKind kind) noexcept;
  void set_lifetime(Slot& slot) noexcept;
  bool is_over_max() const noexcept;
  void shed_excess(TimePoint now) noexcept;
  void draw_lifetimes() noexcept;
  void close_used_up(TimePoint now) noexcept;
  bool may_replace() const noexcept;
  bool wants_replacement() const noexcept;
  void replace_outdated(TimePoint now) noexcept;
  bool is_fresh(const Slot& idle, TimePoint now) const noexcept;
  void settle(TimePoint now) noexcept;
  std::uint32_t asking() const noexcept;
  std::uint32_t unhelped() const noexcept;
  void start_checks(TimePoint now) noexcept;
  std::uint32_t wanted_openings() const noexcept;
  bool may_open() const noexcept;
  void start_openings(TimePoint now) noexcept;
  bool is_quick_turn() noexcept;
  void abort_overtaken(const Slot& opened, TimePoint now) noexcept;

  // Time (pool_state_timers.cc).
  TimePoint earliest_deadline() const noexcept;
  TimePoint leak_deadline() const noexcept;
  TimePoint slow_check_deadline() const noexcept;
  TimePoint idle_deadline() const noexcept;
  TimePoint retry_deadline() const noexcept;
  TimePoint lost_hope_deadline() const noexcept;
  void expire_waiters(TimePoint now) noexcept;
  void find_leaks(TimePoint now) noexcept;
  void find_slow_checks(TimePoint now) noexcept;
  void recycle_expired(TimePoint now) noexcept;
  void reap_idle(TimePoint now) noexcept;
  void integrate(PoolIntegrals& into, TimePoint now) const noexcept;

  // Reading (pool_state_reading.cc).
  WaitSplit wait_split() const noexcept;
  WaitReason others_wait_for() const noexcept;
  WaitReason reason_of(const Waiter& waiter) const noexcept;
  AcquireFailure timeout_of(const Waiter& waiter) const noexcept;
  AcquireFailure fast_failure() const noexcept;
  std::array<std::uint32_t, kWaitReasonCount> waiting() const noexcept;
  LeaseFacts facts_of(const Slot& slot, TimePoint now) const noexcept;
  ConnectionFacts connection_of(const Slot& slot, TimePoint now) const noexcept;
  std::uint32_t overdue_leases(TimePoint now) const noexcept;

  // The options in force.
  std::optional<Duration> idle_timeout_;
  std::optional<std::uint64_t> max_uses_;
  std::optional<Duration> max_lifetime_;
  double lifetime_jitter_ = 0;
  Duration check_after_idle_{0};
  std::uint32_t max_concurrent_openings_ = 0;
  std::optional<Duration> leak_threshold_;
  std::uint32_t min_connections_ = 0;
  std::uint32_t max_connections_ = 0;
  bool closed_ = false;

  TimePoint now_;  // of the latest event
  ConnectionTable table_;
  WaitQueue queue_;
  Jitter jitter_;
  Backoff backoff_;
  std::optional<TimePoint> last_failed_at_;
  ConnectFailure last_failure_ = ConnectFailure::kOther;
  std::uint32_t lost_ = 0;  // closing ones that were lost; see is_loss()
  // No open connection expires earlier, but those whose time came while they
  // were leased or checked: they are closed when they come back.
  TimePoint first_expiry_ = TimePoint::max();
  std::vector<LeaseFacts> leaks_;  // not yet taken; capacity: slot_count()
  bool proven_ = false;            // an opening has succeeded since renew()
  bool may_part_ = false;          // and one outdated connection may go for it

  PoolIntegrals integrals_;
  PoolCounters counters_;
  SlidingPeak waiting_peak_;

  // Of the event under way.
  Waiter* finished_head_ = nullptr;
  Waiter* finished_tail_ = nullptr;
  bool needs_housekeeper_ = false;
  bool quick_turn_ = false;  // of the last retry that was the only one
  bool refused_ = false;     // a request that may not queue; see acquire()
  // Until then time alone gives settle() nothing to do.
  TimePoint settled_until_ = TimePoint::min();
  // The housekeeper looks at this moment without being woken.
  TimePoint armed_ = TimePoint::max();
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_POOL_STATE_H_
