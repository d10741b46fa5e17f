// Session: one PGconn and what the library knows about it.
//
// Owns the PGconn, the cache of prepared statements, and the defaults for
// statements. Which reactor owns the descriptor: while opening, checking,
// idle or closing the housekeeper; while leased the caller. A duplicate of it
// may stay registered with the execution context that ran the last
// asynchronous statement.
//
// Thread-safety: none; ownership passes under the pool's mutex.
#ifndef DBPOOL_POOL_SRC_SESSION_SESSION_H_
#define DBPOOL_POOL_SRC_SESSION_SESSION_H_

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <utility>

#include "dbpool/connect.h"
#include "dbpool/connection.h"
#include "pool/src/base/fork_generation.h"
#include "pool/src/query_statistics.h"
#include "pool/src/session/canceller.h"
#include "pool/src/session/session_activity.h"
#include "pool/src/session/statement_cache.h"
#include "pool/src/waiting/timeouts.h"

namespace dbpool::detail {

class AsyncDriver;

// What statements on a session share with their owner.
struct SessionContext {
  std::shared_ptr<const Timeouts> timeouts;
  std::optional<Duration> server_statement_timeout;
  std::uint32_t max_prepared_statements;
  std::shared_ptr<EventSink> sink;              // may be null
  std::shared_ptr<QueryStatistics> statistics;  // may be null
  std::string pool_name;
};

class Session {
 public:
  // Takes ownership of a connected, non-blocking PGconn.
  Session(PGconn* connection, std::shared_ptr<const SessionContext> context,
          std::string host);
  ~Session();  // PQfinish: a Terminate, without waiting; nothing after fork
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  PGconn* pg() const noexcept { return connection_; }
  int fd() const noexcept;
  const SessionContext& context() const noexcept { return *context_; }
  const std::string& host() const noexcept { return host_; }
  StatementCache& cache() noexcept { return cache_; }
  // Constant while the session lives, and may outlive it: others read it.
  const std::shared_ptr<SessionActivity>& activity() const noexcept {
    return activity_;
  }
  TransactionStatus transaction_status() const noexcept;

  // True when nothing more may be sent or read: lost, out of sync, too large
  // a result, an unfinished COPY, or a cancel that did not end.
  bool broken() const noexcept;
  void mark_broken() noexcept { broken_ = true; }
  // Broken from now on, and the server sees it at once: a backend that sends
  // to a client that does not read would stay in that send, deaf to cancels,
  // for as long as the session is held.
  void hang_up() noexcept;
  // Turned read-only or told to go (25006, 57P01 … 57P03): close it on return.
  bool retire() const noexcept { return retire_; }
  void mark_retire() noexcept { retire_ = true; }
  // More than kLargeBytes went through it, and libpq never gives its buffers
  // back: close it on return, and let the system have what it took.
  bool bloated() const noexcept { return bloated_; }
  void mark_bloated() noexcept { bloated_ = retire_ = true; }
  // A statement was begun and not ended (an abandoned async_execute).
  bool busy() const noexcept { return busy_; }
  void set_busy(bool busy) noexcept { busy_ = busy; }
  // The last cancel that was sent for what ran here; null if all have
  // returned. Until it is done, a late cancel may hit the next statement.
  const std::shared_ptr<Ticket>& cancel_ticket() const noexcept {
    return cancel_ticket_;
  }
  void set_cancel_ticket(std::shared_ptr<Ticket> ticket) noexcept {
    cancel_ticket_ = std::move(ticket);
  }
  // What drives asynchronous statements; made for the first one.
  const std::shared_ptr<AsyncDriver>& async_driver();
  // Statements will be waited for in another way: the execution context that
  // waited before must not wake up for each of them.
  void detach_driver() noexcept;
  // fork(): the generation in which the session was made is another one.
  bool forked() const noexcept;

 private:
  PGconn* connection_;
  std::shared_ptr<const SessionContext> context_;
  std::string host_;
  StatementCache cache_;
  const std::shared_ptr<SessionActivity> activity_ =
      std::make_shared<SessionActivity>();
  std::shared_ptr<Ticket> cancel_ticket_;
  std::shared_ptr<AsyncDriver> async_driver_;  // may be null
  std::uint64_t fork_generation_;
  bool broken_ = false;
  bool retire_ = false;
  bool bloated_ = false;
  bool busy_ = false;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_SESSION_H_
