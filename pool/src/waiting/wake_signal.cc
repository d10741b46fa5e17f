#include "pool/src/waiting/wake_signal.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace dbpool::detail {

WakeSignal::WakeSignal() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_.get() < 0) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
}

void WakeSignal::raise() noexcept {
  if (state_.exchange(State::kRaised) != State::kSleeping) return;
  const std::uint64_t one = 1;
  // Cannot fail: the counter is far from its bound.
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void WakeSignal::awake() noexcept {
  // After a sleep always, even if it ended by itself: the write of a raise()
  // that came late may be there only now, and would wake us for ever.
  if (state_.exchange(State::kAwake) == State::kAwake) return;
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
}

bool WakeSignal::try_sleep() noexcept {
  State expected = State::kAwake;
  return state_.compare_exchange_strong(expected, State::kSleeping);
}

}  // namespace dbpool::detail
