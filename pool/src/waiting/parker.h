// Parker: one thread waits, another wakes it.
//
// Shared: the thread that waits may be gone with its frame as soon as it is
// woken, while the one that woke it is still inside signal().
//
// Thread-safety: signal() from any thread, once for each wait that is owed.
#ifndef DBPOOL_POOL_SRC_WAITING_PARKER_H_
#define DBPOOL_POOL_SRC_WAITING_PARKER_H_

#include <condition_variable>
#include <memory>
#include <mutex>

#include "dbpool/options.h"

namespace dbpool::detail {

class Parker {
 public:
  // The calling thread's own; made at its first use, kept until it ends.
  static const std::shared_ptr<Parker>& of_this_thread();

  void signal() noexcept;
  // Waits for a signal and consumes it. False: `deadline` passed without.
  bool wait_until(TimePoint deadline) noexcept;
  void wait() noexcept;

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool signalled_ = false;  // guarded by mutex_
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_PARKER_H_
