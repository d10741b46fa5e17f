// WakeSignal: wakes one sleeping loop from any thread; costs a system call
// only when the loop really sleeps.
//
// Thread-safety: raise() from any thread; the others belong to the loop.
#ifndef DBPOOL_POOL_SRC_WAITING_WAKE_SIGNAL_H_
#define DBPOOL_POOL_SRC_WAITING_WAKE_SIGNAL_H_

#include <atomic>
#include <cstdint>

#include "pool/src/base/unique_fd.h"

namespace dbpool::detail {

class WakeSignal {
 public:
  WakeSignal();  // throws std::system_error without a descriptor

  // Makes the loop look again: now if it sleeps, otherwise before it sleeps.
  void raise() noexcept;

  // The loop's: readable when raised during sleep.
  int fd() const noexcept { return fd_.get(); }
  // The loop is about to look at everything; what is raised from now on
  // counts anew.
  void awake() noexcept;
  // False: raised since awake(), so look again instead of sleeping.
  bool try_sleep() noexcept;

 private:
  enum class State : std::uint8_t { kAwake, kSleeping, kRaised };

  const UniqueFd fd_;
  std::atomic<State> state_{State::kAwake};
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_WAKE_SIGNAL_H_
