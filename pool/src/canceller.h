// Canceller: asks the server to cancel statements, without ever blocking who
// asks. PQcancel blocks (for ever, into a black hole), so a bounded crew of
// detached threads does it; drain joins none of them.
//
// Thread-safety: all functions, from any thread.
#ifndef DBPOOL_POOL_SRC_CANCELLER_H_
#define DBPOOL_POOL_SRC_CANCELLER_H_

#include <libpq-fe.h>

#include <memory>

namespace dbpool::detail {

// One cancel under way. Shared by who asked and by the crew.
class CancelTicket {
 public:
  CancelTicket();
  ~CancelTicket();
  CancelTicket(const CancelTicket&) = delete;
  CancelTicket& operator=(const CancelTicket&) = delete;

  // An eventfd that is readable once the cancel has returned; owned here.
  int fd() const noexcept { return fd_; }
  bool done() const noexcept;
  void finish() noexcept;  // the crew's

 private:
  int fd_;
};

// Queues a cancel for what runs on `connection` now. The ticket is done at
// once if no cancel could be made (then nothing was sent).
std::shared_ptr<CancelTicket> request_cancel(PGconn* connection);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_CANCELLER_H_
