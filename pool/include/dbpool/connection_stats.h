// ConnectionStats: what one connection of a pool does, and for whom.
//
// Thread-safety: a plain value; it shares nothing with the pool.
#ifndef DBPOOL_CONNECTION_STATS_H_
#define DBPOOL_CONNECTION_STATS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "dbpool/connection.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"

namespace dbpool {

inline constexpr std::size_t kShownStatementCharacters = 200;

// The statement that runs on a connection, or ran last.
struct StatementStats {
  std::string name;  // the caller's; empty: it gave none
  // The first kShownStatementCharacters of its text, secrets replaced by "***"
  // as ConnectionString::redact() does. Never a parameter. As the caller wrote
  // it: perhaps no UTF-8, and on several lines.
  std::string text;
  bool running = false;
  Duration started_ago{0};
  Duration took{0};  // so far, while it runs
};

struct ConnectionStats {
  ConnectionState state = ConnectionState::kOpening;
  Duration in_state{0};    // while kActive: how long the lease has been held
  Duration age{0};         // since it was opened, or began to be
  std::uint64_t uses = 0;  // leases so far, one that is out included
  int backend_pid = 0;     // 0: not open yet. A pooler's, behind a pooler

  // Of the lease; empty unless kActive.
  std::string tag;
  std::string file;  // where it was acquired
  std::uint32_t line = 0;

  // As the last statement left it: kActive while one runs, kUnknown when the
  // session is not open, not yet or no longer.
  TransactionStatus transaction = TransactionStatus::kUnknown;
  Duration in_transaction{0};  // since its first statement; 0 outside of one
  std::optional<StatementStats> statement;  // nullopt: none has run

  // Was that statement run by who holds the connection now?
  bool statement_is_of_lease() const noexcept {
    return state == ConnectionState::kActive && statement &&
           statement->started_ago <= in_state;
  }
};

}  // namespace dbpool

#endif  // DBPOOL_CONNECTION_STATS_H_
