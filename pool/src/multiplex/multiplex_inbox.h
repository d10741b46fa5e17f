// MultiplexInbox: what others tell the multiplexer's thread.
//
// Thread-safety: all functions from any thread, but take(), signal() and end()
// only by the multiplexer's.
#ifndef DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_INBOX_H_
#define DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_INBOX_H_

#include <mutex>
#include <optional>
#include <vector>

#include "dbpool/lease.h"
#include "pool/src/multiplex/multiplex_statement.h"
#include "pool/src/waiting/wake_signal.h"

namespace dbpool::detail {

class MultiplexInbox {
 public:
  struct Mail {
    std::vector<MultiplexStatementPtr> submitted;
    std::vector<MultiplexStatementPtr> cancelled;
    std::optional<Expected<Lease>> lease;  // the end of an acquire
    bool close = false;
    bool reconfigure = false;
  };

  // False: the multiplexer has ended.
  bool submit(MultiplexStatementPtr statement);
  void cancel(MultiplexStatementPtr statement);
  void put(Expected<Lease> lease) noexcept;
  void close() noexcept;
  void reconfigure() noexcept;

  WakeSignal& signal() noexcept { return signal_; }
  // Moves all that has come into `mail`, whose lists must be empty.
  void take(Mail& mail) noexcept;
  // Moves the end of an acquire into `lease`. False: it has not come.
  bool take_lease(std::optional<Expected<Lease>>& lease) noexcept;
  // Nothing is taken in any more. False: something has come.
  bool end() noexcept;

 private:
  WakeSignal signal_;
  std::mutex mutex_;
  // Guarded by mutex_.
  Mail mail_;
  bool ended_ = false;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_INBOX_H_
