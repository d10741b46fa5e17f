// Pool: a pool of PostgreSQL connections that says exactly how long requests
// waited, and why.
//
//   auto pool = dbpool::Pool::create(*dbpool::ConnectionString::parse(url));
//   auto lease = pool->acquire();
//   if (!lease) return fail(lease.error().message);
//   auto rows = (*lease)->execute({"answer", "SELECT $1::int"}, {42});
//
// Thread-safety: every member function is safe from any number of threads.
// A pool has one thread of its own (the housekeeper), which opens, checks,
// cleans and closes connections; callers' statements run on their own
// threads or executors. Lifetime: destroying the Pool closes it without
// waiting for leases; they stay valid and are closed when given back.
#ifndef DBPOOL_POOL_H_
#define DBPOOL_POOL_H_

#include <asio/async_result.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/connect.h"
#include "dbpool/connection_stats.h"
#include "dbpool/detail/completion.h"
#include "dbpool/error.h"
#include "dbpool/events.h"
#include "dbpool/lease.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"
#include "dbpool/tag.h"

namespace dbpool {

struct AcquireOptions {
  AcquireOptions() = default;
  AcquireOptions(TimePoint until) : deadline(until) {}  // NOLINT
  explicit AcquireOptions(Tag lease_tag) : tag(lease_tag) {}

  // nullopt: now + PoolOptions::acquire_timeout. A deadline that has passed
  // still takes a connection that is idle now.
  std::optional<TimePoint> deadline = {};
  // Names the holder in leak reports and errors.
  Tag tag = {};
  // Of acquire() only. Once it is asked to stop a request that waits fails
  // with kCancelled.
  std::stop_token stop = {};
};

// What close() left behind.
struct LeftLease {
  std::string tag;
  std::string file;
  std::uint32_t line = 0;
  int backend_pid = 0;
  Duration age{0};
};

struct CloseReport {
  std::vector<LeftLease> left;  // leases that were still out; empty is good
  bool clean() const noexcept { return left.empty(); }
};

class Pool {
 public:
  // Starts the pool's thread, which begins to fill the floor; does not wait
  // for the database, which may be down. Errors: kUsage (options).
  static Expected<Pool> create(ConnectionString target,
                               PoolOptions options = {},
                               std::shared_ptr<EventSink> sink = {});

  Pool(Pool&&) noexcept = default;
  Pool& operator=(Pool&&) noexcept;
  ~Pool();

  // Blocks the calling thread until it has a connection, or the deadline
  // passed, or the pool can tell that waiting is futile. Requests are served
  // first in, first out, but that a lease which ends may stay on its execution
  // context; no request is overtaken by one that came more than 1 ms later.
  // Errors: kAcquire (see AcquireFailure; the message
  // tells limits, queue, longest holders and the last opening error),
  // kForked.
  Expected<Lease> acquire(
      const AcquireOptions& options = {},
      std::source_location where = std::source_location::current());

  // The same without blocking: completes with Expected<Lease> through the
  // handler's associated executor, never inside this call. A waiting request
  // costs memory, no thread. Per-operation cancellation gives kCancelled.
  // The lease that an abandoned handler would have received goes back.
  template <typename CompletionToken>
  auto async_acquire(
      const AcquireOptions& options, CompletionToken&& token,
      std::source_location where = std::source_location::current()) {
    return asio::async_initiate<CompletionToken, void(Expected<Lease>)>(
        [this](auto handler, const AcquireOptions& given,
               std::source_location at) {
          start_acquire(
              given, at,
              detail::make_completion<Expected<Lease>>(std::move(handler)));
        },
        token, options, where);
  }

  // Runs one statement without a lease, as a transaction of its own, on a
  // connection that it shares with the statements of other callers: at most
  // PoolOptions::pipeline_depth of them are under way on it, one after the
  // other. Completes with Expected<Rows> through the handler's associated
  // executor, never inside this call; texts and `params` are copied.
  //
  // Results are isolated, latency is not: a statement may wait on the server
  // for those before it (see PoolOptions::pipeline_budget).
  //   - Waiting: until it is sent, at most acquire_timeout (kAcquire; more
  //     than max_waiting_requests that wait: kQueueFull). The connections
  //     themselves are acquired as leases are, tag "multiplexed".
  //   - Time: ExecuteOptions::timeout counts from when it is sent. When it has
  //     passed, or the caller cancels, the call completes at once; a statement
  //     that was sent runs on (kInDoubt), is never cancelled on the server, as
  //     that could hit a neighbour, and its result is discarded. A connection
  //     whose first statement is past its time by cancel_grace is closed, and
  //     its other statements end with kConnectionLost, kInDoubt; so do they
  //     when it breaks, or one of them has too large a result.
  //   - Refused with kUsage, and not sent: what begins or ends a transaction
  //     or changes the session (BEGIN, SET, LISTEN, PREPARE, COPY, DECLARE,
  //     CREATE TEMP and their like); everything while pipeline_depth is below
  //     2. What a function sets in the session meets whoever comes next.
  // ExecuteOptions::stop is ignored.
  template <typename CompletionToken>
  auto async_execute(const Statement& statement, Params params,
                     const ExecuteOptions& options, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(Expected<Rows>)>(
        // NOLINTNEXTLINE(performance-unnecessary-value-param)
        [this](auto handler, std::string name, std::string sql,
               // NOLINTNEXTLINE(performance-unnecessary-value-param)
               Params moved_params, const ExecuteOptions& given) {
          start_execute(
              std::move(name), std::move(sql), std::move(moved_params), given,
              detail::make_completion<Expected<Rows>>(std::move(handler)));
        },
        token, std::string(statement.name), std::string(statement.sql),
        std::move(params), options);
  }
  template <typename CompletionToken>
  auto async_execute(const Statement& statement, Params params,
                     CompletionToken&& token) {
    return async_execute(statement, std::move(params), ExecuteOptions{},
                         std::forward<CompletionToken>(token));
  }

  // One consistent snapshot. Takes the pool's lock for a few microseconds;
  // never waits for the database.
  PoolStats stats() const;

  // The same but for `queries`, which stay empty: they are the larger part
  // where many names are in use.
  PoolStats stats_without_queries() const;

  // What each connection does, and for whom: the leased ones first, longest
  // first, then the others by state. One consistent snapshot, but for the
  // statements, which may begin and end meanwhile. Costs more than stats()
  // (it copies and redacts texts) and takes the lock no longer; never waits
  // for the database.
  std::vector<ConnectionStats> connections() const;

  // reconfigure() with two options changed.
  Expected<void> resize(std::uint32_t min_connections,
                        std::uint32_t max_connections);

  // Puts `options` in force, all at once; counters and statistics go on.
  // Waits for nothing; may be called at any time, also after close().
  //   - Connections above a lower max are closed, leased ones when they come
  //     back; total may exceed the new max until then, but never grows.
  //   - Timeouts and the leak threshold hold for acquires and statements that
  //     begin from now on, cancel_grace also for those under way. Requests
  //     that wait keep their place and their deadline, also beyond a lower
  //     max_waiting_requests. A lease that was reported stays reported.
  //   - max_uses, idle_timeout and max_lifetime hold for connections that are
  //     open, too: idle ones that are past them are closed now, leased ones
  //     when they come back. A new lifetime counts from the opening, with a
  //     new jitter. A backoff that is longer than a new one is cut short.
  //   - server_statement_timeout and max_prepared_statements are a session's
  //     from its opening on: if they change, connections are replaced as
  //     retarget() does it.
  //   - name, pipeline_depth, max_query_names and random_seed cannot change;
  //     nullopt as seed is no change.
  // Errors, and then nothing has changed: kUsage, names the option that is
  // out of range or cannot change; kForked.
  Expected<void> reconfigure(const PoolOptions& options);

  // From now on connections are opened with `target`, its TLS material
  // included; those that are open are replaced gently. Waits for nothing, not
  // for the database either. Nothing happens if `target` equals the one in
  // force: files that it names are read at each opening anyway.
  //   - No statement and no lease is broken off, and cancels of what runs on
  //     an old connection go to its own server. What is being opened is given
  //     up, and the backoff ends.
  //   - An old connection is closed (reason reload), idle or when it comes
  //     back, after an opening with the new target has succeeded: one for
  //     each. Only where max_connections leaves no room for that opening one
  //     goes ahead; never the last one that lives, so that a pool of one
  //     replaces its connection only when that ends for another reason.
  //   - So if the new target does not work (a wrong password) the pool goes on
  //     with the old connections that it has, and tries again as it does
  //     whenever openings fail. Whoever wants to know first calls connect().
  // Until the last old connection is gone leases of both kinds are lent:
  // use it for new credentials, certificates and addresses of a database, not
  // to tell databases apart. Errors: kForked.
  Expected<void> retarget(ConnectionString target);

  // Stops leasing for good: waiting requests fail at once with kClosed, idle
  // connections are closed, leased ones when they come back. Blocks until all
  // are closed or `deadline` passed, then reports what was left. Idempotent:
  // a second call waits again.
  CloseReport close(TimePoint deadline);

  const std::string& name() const noexcept;
  // What is in force now, random_seed filled in. Copies, under the pool's lock
  // for an instant.
  PoolOptions options() const;
  ConnectionString target() const;

 private:
  explicit Pool(std::shared_ptr<detail::PoolCore> core) noexcept;
  void start_acquire(const AcquireOptions& options, std::source_location where,
                     detail::CompletionPtr<Expected<Lease>> completion);
  void start_execute(std::string name, std::string sql, Params params,
                     const ExecuteOptions& options,
                     detail::CompletionPtr<Expected<Rows>> completion);

  std::shared_ptr<detail::PoolCore> core_;
};

}  // namespace dbpool

#endif  // DBPOOL_POOL_H_
