// Canceller: asks the server to cancel statements, without ever blocking who
// asks. PQcancel blocks (for ever, into a black hole), so a bounded crew of
// detached threads does it; drain joins none of them.
//
// A thread of the crew ends when nothing is queued any more. Behind a black
// hole it stays in PQcancel until the connection's tcp_user_timeout; cancels
// then queue, and those whose session is gone by then are never sent.
//
// Thread-safety: all functions, from any thread. After fork() the child has a
// crew of its own.
#ifndef DBPOOL_POOL_SRC_CANCELLER_H_
#define DBPOOL_POOL_SRC_CANCELLER_H_

#include <libpq-fe.h>

#include <atomic>
#include <cstddef>
#include <memory>

namespace dbpool::detail {

inline constexpr std::size_t kMaxCancelThreads = 4;
inline constexpr std::size_t kMaxCancelQueue = 1024;

// One cancel under way. Shared by who asked and by the crew; who no longer
// cares drops it.
class CancelTicket {
 public:
  CancelTicket();
  ~CancelTicket();
  CancelTicket(const CancelTicket&) = delete;
  CancelTicket& operator=(const CancelTicket&) = delete;

  // An eventfd that is readable once the cancel has returned; owned here. -1
  // if there was no descriptor left: then look at done() now and again.
  int fd() const noexcept { return fd_; }
  // Has it returned, whatever came of it? Then it can hit nothing any more.
  bool done() const noexcept { return done_.load(std::memory_order_acquire); }
  void finish() noexcept;  // the crew's, once

 private:
  const int fd_;
  std::atomic<bool> done_{false};
};

// Queues a cancel for what runs on `connection` now. The ticket is done at
// once if no cancel could be made (then nothing was sent). Never blocks.
std::shared_ptr<CancelTicket> request_cancel(PGconn* connection);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_CANCELLER_H_
