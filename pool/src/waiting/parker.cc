#include "pool/src/waiting/parker.h"

#include <utility>

namespace dbpool::detail {

const std::shared_ptr<Parker>& Parker::of_this_thread() {
  thread_local std::shared_ptr<Parker> parker = std::make_shared<Parker>();
  return parker;
}

void Parker::signal() noexcept {
  {
    const std::lock_guard lock(mutex_);
    signalled_ = true;
  }
  condition_.notify_one();
}

bool Parker::wait_until(TimePoint deadline) noexcept {
  std::unique_lock lock(mutex_);
  // An unbounded deadline would overflow inside the standard library.
  if (deadline == TimePoint::max()) {
    condition_.wait(lock, [this] { return signalled_; });
  } else if (!condition_.wait_until(lock, deadline,
                                    [this] { return signalled_; })) {
    return false;
  }
  signalled_ = false;
  return true;
}

void Parker::wait() noexcept { wait_until(TimePoint::max()); }

}  // namespace dbpool::detail
