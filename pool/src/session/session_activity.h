// SessionActivity: which statement a session runs, or ran last, for others to
// read while it does.
//
// Fixed storage, so that a statement allocates nothing for it: what is said of
// a statement is worked out by who reads it.
//
// Thread-safety: all functions, from any thread. The mutex is held for a copy
// of less than 2 KiB, and no other lock is taken under it.
#ifndef DBPOOL_POOL_SRC_SESSION_SESSION_ACTIVITY_H_
#define DBPOOL_POOL_SRC_SESSION_SESSION_ACTIVITY_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string_view>

#include "dbpool/connect.h"
#include "dbpool/connection_stats.h"

namespace dbpool::detail {

// The start of a text, as far as there is room.
template <std::size_t kMost>
class TextStart {
 public:
  void assign(std::string_view text) noexcept {
    size_ = std::min(text.size(), kMost);
    std::copy_n(text.begin(), size_, bytes_.begin());
  }
  std::string_view view() const noexcept { return {bytes_.data(), size_}; }

 private:
  std::array<char, kMost> bytes_;  // unset past size_
  std::size_t size_ = 0;
};

class SessionActivity {
 public:
  struct Facts {
    bool seen = false;  // a statement was begun
    bool running = false;
    TransactionStatus transaction = TransactionStatus::kIdle;
    TimePoint started_at = {};
    TimePoint ended_at = {};              // unless it is running
    TimePoint transaction_began_at = {};  // of one that is open
    TextStart<100> name;
    // More than is shown: a secret is found by what stands around it.
    TextStart<8 * kShownStatementCharacters> sql;
  };

  void begin(const Statement& statement, TimePoint now) noexcept;
  // `transaction` is what it left. Nothing but that is noted if none runs.
  void end(TransactionStatus transaction, TimePoint now) noexcept;

  Facts facts() const noexcept;

 private:
  mutable std::mutex mutex_;
  Facts facts_;  // guarded by mutex_
};

// Fills in what `facts` tell: transaction, in_transaction and statement, whose
// text shows no secret of `target`.
void describe(const SessionActivity::Facts& facts,
              const ConnectionString& target, TimePoint now,
              ConnectionStats& out);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_SESSION_ACTIVITY_H_
