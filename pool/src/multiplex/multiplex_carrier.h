// MultiplexCarrier: a lease in libpq's pipeline mode, which carries the
// statements of many callers. Each has a sync point of its own, so that the
// error of one ends nothing but itself.
//
// Thread-safety: none; the multiplexer's thread's. The lease goes back when
// the carrier is destroyed.
#ifndef DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_CARRIER_H_
#define DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_CARRIER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "dbpool/lease.h"
#include "pool/src/multiplex/multiplex_statement.h"
#include "pool/src/session/pg_result.h"
#include "pool/src/session/received_bytes.h"
#include "pool/src/session/session.h"

namespace dbpool::detail {

class MultiplexCarrier {
 public:
  // What the server said of the statement that was sent first.
  struct Reply {
    MultiplexStatement* statement = nullptr;
    Expected<Rows> result;
    bool again = false;  // not begun, since it was prepared for other times
  };

  explicit MultiplexCarrier(Lease lease);
  // Leaves the pipeline if nothing is in it, else breaks the session.
  ~MultiplexCarrier();
  MultiplexCarrier(const MultiplexCarrier&) = delete;
  MultiplexCarrier& operator=(const MultiplexCarrier&) = delete;

  int fd() const noexcept { return session_.fd(); }
  bool broken() const noexcept { return broken_; }
  // Works, but must not be lent again.
  bool retire() const noexcept { return session_.retire(); }
  // Statements that may have reached the server and have no reply.
  std::uint32_t sent() const noexcept { return statements_; }

  // Into libpq's buffer; if libpq refuses, the carrier is broken.
  void send(MultiplexStatement& statement, TimePoint now);
  // True if not all of the buffer went out.
  bool flush();
  bool is_blocked() const noexcept { return blocked_; }
  // Takes in what has come.
  void read(TimePoint now);
  // The next reply that has come whole. Nullopt also when the carrier broke.
  std::optional<Reply> next(TimePoint now);
  void hang_up() noexcept;
  // What to tell of statements that were on it when it broke: the first of
  // them, and those behind it.
  Error loss(const MultiplexStatement& statement, bool was_head) const;

 private:
  struct Sent {
    MultiplexStatement* statement = nullptr;  // null: a DEALLOCATE
    std::string name = {};                    // of the prepared statement
    bool was_prepared = false;                // found in the cache
    bool prepares = false;
  };

  PGconn* pg() const noexcept { return session_.pg(); }
  StatementCache& cache() noexcept { return session_.cache(); }
  bool send_stale();
  bool send_new(Sent& sent);
  void begin_head(TimePoint now);
  void collect_last();
  bool take(ResultPtr result);
  std::optional<Reply> end_head(TimePoint now);
  Reply make_reply(const Sent& sent);
  Expected<Rows> success(const MultiplexStatement& statement);
  Error failure(const MultiplexStatement& statement);
  void forget_prepared(const Sent& sent);
  void break_off(Error reason);

  Lease lease_;
  Session& session_;
  bool broken_ = false;
  bool blocked_ = false;
  std::deque<Sent> sent_;
  std::uint32_t statements_ = 0;  // of sent_

  // Of the head.
  ResultPtr result_;  // the first error, else the last success
  int successes_ = 0;
  bool has_read_ = false;
  std::optional<ReceivedBytes> received_;
  std::optional<Error> reason_;  // why the carrier was broken off
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_CARRIER_H_
