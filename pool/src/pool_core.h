// PoolCore: one mutex round the brain and the table of connections; carries
// the brain's effects out after unlocking.
//
// Shared by the Pool, its housekeeper thread and asynchronous requests. The
// thread ends after the last lease. So a lease may outlive the Pool and still
// have its core by a plain pointer: to count shares would take four atomic
// operations each time. Callers and the housekeeper both come in here:
//   lock → tell the brain what happened → look up what its effects name →
//   unlock → finish requests, wake the housekeeper, tell the sink.
// No user object (handler, lease, sink) is copied, called or destroyed under
// the mutex. It is the only lock that is held while another could be taken,
// and none is.
//
// Who may touch a slot's connection: the housekeeper while the brain calls
// it opening, checking or closing; the lease's owner while active; nobody
// while idle.
//
// Thread-safety: all functions from any thread, unless they are called the
// housekeeper's. In a child after fork() nothing locks, sends or joins.
#ifndef DBPOOL_POOL_SRC_POOL_CORE_H_
#define DBPOOL_POOL_SRC_POOL_CORE_H_

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "dbpool/lease.h"
#include "dbpool/pool.h"
#include "pool/src/acquire_errors.h"
#include "pool/src/brain/multiplex_state.h"
#include "pool/src/brain/pool_state.h"
#include "pool/src/pool_setup.h"
#include "pool/src/query_statistics.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/acquire_request.h"
#include "pool/src/waiting/timeouts.h"
#include "pool/src/waiting/wake_signal.h"

namespace dbpool::detail {

class AsyncRequest;
class Multiplexer;

// What the housekeeper gets from one look at the brain.
struct Round {
  Round();

  std::vector<Work> work;
  std::vector<LeaseFacts> leaks;
  bool more = false;  // more of either: ask again before sleeping
  TimePoint next_deadline = TimePoint::max();
  bool drained = false;  // closed, and nothing is left to do
};

class PoolCore final : public std::enable_shared_from_this<PoolCore> {
 public:
  // Validates, then starts the housekeeper. Errors: kUsage (options, or a
  // descriptor or thread that the system does not give).
  static Expected<std::shared_ptr<PoolCore>> create(
      ConnectionString target, PoolOptions options,
      std::shared_ptr<EventSink> sink);
  PoolCore(ConnectionString target, const PoolOptions& options,
           std::shared_ptr<EventSink> sink);
  ~PoolCore();
  PoolCore(const PoolCore&) = delete;
  PoolCore& operator=(const PoolCore&) = delete;

  const std::string& name() const noexcept { return name_; }
  // As it is now; in a child as it was at the fork.
  PoolSetupPtr setup() const noexcept;
  const Timeouts& timeouts() const noexcept { return *timeouts_; }
  bool forked() const noexcept { return fork_generation_ != fork_generation(); }

  // --- Callers: see pool.h -------------------------------------------------
  Expected<Lease> acquire(const AcquireOptions& options,
                          std::source_location where);
  void start_acquire(const AcquireOptions& options, std::source_location where,
                     CompletionPtr<Expected<Lease>> completion);
  void start_execute(std::string name, std::string sql, Params params,
                     const ExecuteOptions& options,
                     CompletionPtr<Expected<Rows>> completion);
  // The caller of a queued request gives up. Nothing if it is finished.
  void cancel(AcquireRequest& request) noexcept;
  // A lease ends.
  void give_back(Connection& connection, std::uint32_t slot) noexcept;

  // --- The multiplexer's (pool_core_multiplex.cc) -------------------------
  // Puts a request to the brain; it is finished at once, or later.
  void request_lease(AcquireRequest& request);
  PoolRoom room() const noexcept;
  // What a request is told that fails for this reason now.
  Error refusal(AcquireFailure failure) const;
  // What one that waits would be told if its time had passed.
  AcquireFailure timeout_now() const;

  // --- Control: see pool.h -------------------------------------------------
  PoolStats stats() const;
  PoolStats stats_without_queries() const;
  std::vector<ConnectionStats> connections() const;
  Expected<void> resize(std::uint32_t min_connections,
                        std::uint32_t max_connections);
  Expected<void> reconfigure(const PoolOptions& options);
  Expected<void> retarget(ConnectionString target);
  CloseReport close(TimePoint deadline);
  // The Pool is destroyed: closes, waits until all but the leased connections
  // are closed (bounded by close_timeout), and ends or detaches the thread.
  void shut_down() noexcept;

  // --- The housekeeper's ---------------------------------------------------
  WakeSignal& wake_signal() noexcept { return wake_signal_; }
  // Runs the timers, takes the next work, tells of suspected leaks.
  void begin_round(Round& round);
  // The session of a connection that is being checked or cleaned.
  Session& session(ConnectionId id) noexcept;
  // Takes a closing connection out of its slot; null if it never opened.
  std::unique_ptr<Connection> take_connection(ConnectionId id) noexcept;
  void opened(ConnectionId id, std::unique_ptr<Session> session,
              const OpenedFacts& facts, TlsStats tls);
  void open_failed(ConnectionId id, const Error& error);
  void checked(ConnectionId id, bool alive) noexcept;
  void cleaned(ConnectionId id, bool usable) noexcept;
  void closed(ConnectionId id) noexcept;
  void hung_up(ConnectionId id) noexcept;

 private:
  // Who sits in a slot of the brain.
  struct Tenant {
    std::unique_ptr<Connection> connection;
    ConnectionId id;
    std::shared_ptr<const ConnectionString> target;  // that it was opened with
  };
  // Text of the last failed opening; null: none yet.
  using FailureText = std::shared_ptr<const std::string>;
  // TLS of the last opened connection; null: none yet.
  using TlsFacts = std::shared_ptr<const TlsStats>;

  void start_housekeeper();
  // After the housekeeper. Throws without thread or descriptors.
  void start_multiplexer();

  // Puts a request to the brain. The state in which it left it; kQueued may
  // be out of date when this returns.
  Waiter::State submit(AcquireRequest& request,
                       const std::optional<TimePoint>& deadline);
  Expected<Lease> wait_for(BlockingRequest& request,
                           const std::stop_token& stop);
  Lease make_lease(const AcquireRequest& request) noexcept;
  Error failure_of(const AcquireRequest& request) const;

  void end_lease(std::uint32_t slot, ReturnState how) noexcept;

  // Under the mutex: looks up the connections that `effects` grants.
  void resolve(const Effects& effects) noexcept;
  void resolve(Waiter& waiter) noexcept;
  // After unlocking: finishes requests and wakes the housekeeper.
  void deliver(const Effects& effects) noexcept;
  // Tells the brain of an event by `tell(now)`, and carries the effects out.
  template <typename Tell>
  void report(Tell tell) noexcept;

  // Who holds the connections (pool_core_connections.cc).
  struct Holdings;
  // Under the mutex: as many as there is room for in `out`.
  void take_holdings(Holdings& out, TimePoint now) const noexcept;
  ConnectionStats describe_holding(const Holdings& holdings,
                                   std::size_t index) const;
  AcquireFacts facts() const;

  // What changes while the pool runs (pool_core_changes.cc).
  // `wanted(options)` are the options that follow those in force.
  template <typename Wanted>
  Expected<void> change_options(Wanted wanted);
  // False, and nothing is done, if `before` is not in force any more.
  bool adopt_options(const PoolSetupPtr& before, PoolSetupPtr next);
  bool adopt_target(const PoolSetupPtr& before, PoolSetupPtr next);
  // Under the mutex. Leaves in `next` what is to be destroyed after it.
  void put_in_force(PoolSetupPtr& next) noexcept;
  void begin_close() noexcept;
  std::size_t slot_count() const noexcept;
  bool nothing_to_close() const noexcept;
  void tell(void (EventSink::*event)(const LeaseEvent&) noexcept,
            const LeaseFacts& lease) const noexcept;

  // Constant after construction.
  const std::string name_;
  const std::shared_ptr<EventSink> sink_;  // may be null
  const std::shared_ptr<QueryStatistics> statistics_;
  const std::shared_ptr<Timeouts> timeouts_;  // shared by all sessions
  const std::uint64_t fork_generation_;

  WakeSignal wake_signal_;

  // The Pool's: touched by create() and shut_down() only. By pointer, since a
  // child after fork() can neither join nor destroy it.
  std::unique_ptr<std::thread> housekeeper_;
  std::shared_ptr<Multiplexer> multiplexer_;  // null: pipeline_depth is below 2

  mutable std::mutex mutex_;
  std::condition_variable settled_;  // after close(): a connection is closed
  // Guarded by mutex_.
  // What is in force, and what was before: a child after fork() cannot lock,
  // and finds a whole one at `current_` whatever its parent was doing.
  std::array<PoolSetupPtr, 2> setups_;
  std::atomic<std::size_t> current_ = 0;
  PoolState state_;
  std::vector<Tenant> slots_;
  FailureText last_failure_;
  TlsFacts last_tls_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_POOL_CORE_H_
