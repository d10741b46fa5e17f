// The database's side of a pool's connections: what their backends wait for,
// and who blocks them.
//
// Thread-safety: plain values; look_at_backends() from any thread.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_DATABASE_VIEW_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_DATABASE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "exporter/diagnosis/server_session.h"

namespace dbpool::exporter {

// Backends that are asked for at once, and steps from one that waits to who
// blocks it, to who blocks that one, and so on.
inline constexpr std::size_t kMostBackends = 100;
inline constexpr std::size_t kMostBlockingSteps = 5;

// One session on the server, as pg_stat_activity has it.
struct Backend {
  int pid = 0;
  // The role may see of it only who it is: pg_monitor would show the rest.
  bool hidden = false;
  std::string user, database, application;
  std::string type;   // "client backend", "autovacuum worker" …
  std::string state;  // "active", "idle in transaction" …
  std::string wait_event_type, wait_event;  // empty: it waits for nothing
  std::optional<Duration> in_state, in_query, in_transaction;
  std::string statement;  // the start of it, redacted; perhaps no UTF-8
  // Whether the exporter's role may cancel or end it, and if not, whether a
  // superuser must.
  bool may_signal = false;
  bool is_superuser = false;
  // Who holds, or waits ahead of it for, the lock it waits for. 0 stands for
  // a prepared transaction.
  std::vector<int> blockers;

  bool waits_for_lock() const { return wait_event_type == "Lock"; }
  bool is_idle_in_transaction() const {
    return state.starts_with("idle in transaction");
  }
};

// How many connections the pool could have at all.
struct ServerLimits {
  std::string user, database;  // whose limits these are
  bool superuser = false;      // then neither role's nor database's limit binds
  std::int32_t max_connections = 0;
  std::int32_t reserved_connections = 0;
  std::int32_t role_limit = -1;      // -1: none
  std::int32_t database_limit = -1;  // -1: none
  // Sessions now, the exporter's own included.
  std::int64_t sessions = 0, role_sessions = 0, database_sessions = 0;
};

struct DatabaseView {
  // A pooler stands between: the PIDs that the pool knows are not the
  // server's, and nothing could be looked up by them.
  bool behind_pooler = false;
  // Those asked for that the server knows, then those who block them.
  std::vector<Backend> backends;
  ServerLimits limits;

  const Backend* find(int pid) const;
  // The one at the end of the chain that `backend` waits for: it blocks and is
  // not blocked itself. nullptr: it does not wait for a lock, whoever blocks
  // it is gone, or it is a prepared transaction. In a deadlock any of it.
  const Backend* root_blocker(const Backend& backend) const;
};

// Asks for the backends of `pids`, of which the first kMostBackends are looked
// at, and for who blocks them. pg_blocking_pids(), which stops all locking for
// a moment, is asked only for those who wait for a lock. Blocks until
// `deadline`, plus the grace that a cancelled statement gets, or until `stop`.
// Needs no privilege.
Expected<DatabaseView> look_at_backends(ServerSession& session,
                                        std::span<const int> pids,
                                        TimePoint deadline,
                                        const std::stop_token& stop = {});

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_DATABASE_VIEW_H_
