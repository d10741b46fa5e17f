// PoolOptions: every limit and every timeout of a pool.
//
// Thread-safety: a plain value, copied into the pool at creation and by
// Pool::reconfigure().
#ifndef DBPOOL_OPTIONS_H_
#define DBPOOL_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "dbpool/error.h"

namespace dbpool {

// The one clock of the library. Steady: a step of the wall clock moves no
// deadline.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

inline constexpr std::uint32_t kMaxConnectionsLimit = 10'000;
inline constexpr std::uint32_t kMaxPipelineDepth = 1'000;

struct PoolOptions {
  // The label `pool` of every metric and the name in every error.
  std::string name = "default";

  // At most this many connections, those being closed included.
  // 1 … kMaxConnectionsLimit.
  std::uint32_t max_connections = 10;
  // The floor: kept filled, refilled after loss. 0 … max_connections.
  std::uint32_t min_connections = 2;
  // Requests that may wait at once; one more fails with kQueueFull.
  // 0 … 1'000'000; each costs its caller's memory, no thread of the pool.
  std::uint32_t max_waiting_requests = 10'000;

  // Deadline of an acquire that names none: queue, check and opening
  // together. > 0.
  Duration acquire_timeout = std::chrono::seconds(5);
  // An idle connection above the floor is closed after this. > 0; nullopt:
  // never.
  std::optional<Duration> idle_timeout = std::chrono::seconds(10);
  // A connection is recycled after this many leases. >= 1; nullopt: never.
  std::optional<std::uint64_t> max_uses = {};
  // A connection is recycled at this age, each with its own jitter of
  // ± lifetime_jitter, and never while it is leased. > 0; nullopt: never.
  std::optional<Duration> max_lifetime = {};
  double lifetime_jitter = 0.1;  // 0 … 0.5

  // A connection idle for longer than this is checked (one round trip)
  // before it is lent. >= 0; > 0 where max_waiting_requests is 0.
  Duration check_after_idle = std::chrono::seconds(1);
  // Deadline of one check or one clean-up (roll-back). > 0.
  Duration check_timeout = std::chrono::seconds(2);

  // Deadline of one opening, name resolution included, over all hosts and
  // addresses; each address gets an equal share of what is left. While
  // openings fail the one that takes the last place gets a quarter of it. > 0.
  Duration open_timeout = std::chrono::seconds(5);
  // Openings under way at once: what keeps a login storm from prolonging an
  // outage. 1 … 1000.
  std::uint32_t max_concurrent_openings = 4;
  // After the n-th failed opening in a row the next waits a random time
  // from [d/2, d], d = min(backoff_max, backoff_initial * 2^(n-1)). One that
  // hangs (200 ms or longer) holds the next up for d from its begin.
  Duration backoff_initial = std::chrono::milliseconds(50);
  Duration backoff_max = std::chrono::seconds(2);

  // Default for ExecuteOptions::timeout; nullopt: none. The statement is
  // cancelled on the server and its connection made clean, or closed.
  std::optional<Duration> statement_timeout = std::chrono::seconds(30);
  // The server's own statement_timeout for the pool's sessions: the backstop
  // for statements that no cancel reaches, because the network is gone or this
  // process was killed. Choose it longer than every timeout given to execute()
  // plus cancel_grace, so that it only ends what a cancel did not. Sent as the
  // start-up option "-c statement_timeout=…", before those of the connection
  // string, the service file or PGOPTIONS: one that is given there wins. It
  // stands over what is set in postgresql.conf, or for the role or database.
  // > 0; nullopt: what the server has set. A pooler may refuse start-up
  // options (PgBouncer, unless its ignore_startup_parameters has `options`):
  // then sessions are opened without it, and it is not asked again.
  std::optional<Duration> server_statement_timeout = {};
  // How long a cancelled statement may take to end before its connection is
  // given up and closed. > 0.
  Duration cancel_grace = std::chrono::seconds(2);
  // Prepared statements kept on each connection, least recently used
  // evicted. 0: never prepare, for PgBouncer (1.18) in transaction mode.
  std::uint32_t max_prepared_statements = 100;

  // Pool::async_execute(): how many statements of different callers may be
  // under way on one connection at a time, in libpq's pipeline mode. Each is a
  // transaction of its own. 2 … kMaxPipelineDepth; 0 or 1: off.
  std::uint32_t pipeline_depth = 0;
  // What one connection gives to async_execute() at a time. No statement is
  // put behind one that has been running for longer; and a connection that has
  // carried statements for longer takes no more of them while acquire()
  // waits. > 0.
  Duration pipeline_budget = std::chrono::milliseconds(10);

  // A lease held longer is reported once, with tag and source location, and
  // counted as overdue until it ends. > 0; nullopt: never.
  std::optional<Duration> leak_threshold = std::chrono::seconds(60);
  // How long a connection may stay in state closing before the pool stops
  // waiting to see the server's end. > 0.
  Duration close_timeout = std::chrono::seconds(1);

  // Distinct query names with statistics of their own; further names fold
  // into "other". 1 … 10'000.
  std::uint32_t max_query_names = 100;

  // Seed of the jitter; nullopt: from std::random_device.
  std::optional<std::uint64_t> random_seed = {};

  bool operator==(const PoolOptions&) const = default;
};

// Checks every range above. Returns an Error of kind kUsage whose message
// names the first field that is wrong, its value and what is accepted.
Expected<void> validate(const PoolOptions& options);

}  // namespace dbpool

#endif  // DBPOOL_OPTIONS_H_
