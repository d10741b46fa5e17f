// The crew for TLS handshakes: reading the system's roots costs some 15 ms of
// CPU for each connection, and verifying a chain a few more, which the loop
// of a pool must not spend. A bounded crew of detached threads, shared by the
// whole process, does; no pool joins them.
//
// Thread-safety: all functions, from any thread. After fork() the child gets
// a crew of its own when it asks.
#ifndef DBPOOL_POOL_SRC_TLS_CREW_H_
#define DBPOOL_POOL_SRC_TLS_CREW_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>

namespace dbpool::detail {

inline constexpr std::size_t kMaxTlsThreads = 4;
inline constexpr std::size_t kMaxTlsQueue = 1000;

// One piece of work under way. Who no longer wants it drops it.
class TlsTicket {
 public:
  TlsTicket();
  ~TlsTicket();
  TlsTicket(const TlsTicket&) = delete;
  TlsTicket& operator=(const TlsTicket&) = delete;

  // An eventfd that is readable once done; owned here. -1 if there was no
  // descriptor left: then look at done() now and again.
  int fd() const noexcept { return fd_; }
  bool done() const noexcept { return done_.load(std::memory_order_acquire); }

  void finish() noexcept;  // the crew's, once

 private:
  const int fd_;
  std::atomic<bool> done_{false};
};

// Queues `work`, which must not throw and is not run at all if the ticket has
// been dropped by then. Null if the queue is full or there is no thread to be
// had: then nothing of `work` is kept, and the caller does it itself.
std::shared_ptr<TlsTicket> request_tls(std::function<void()> work);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_TLS_CREW_H_
