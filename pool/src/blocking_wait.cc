#include <poll.h>

#include <algorithm>
#include <ctime>

#include "pool/src/waits.h"

namespace dbpool::detail {
namespace {

// Longer waits are cut: an early wake-up is only a step that finds nothing.
constexpr auto kLongestWait = std::chrono::hours(1);

timespec time_left(TimePoint until, TimePoint now) {
  const auto left = std::clamp<Duration>(until - std::min(until, now),
                                         Duration::zero(), kLongestWait);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
}

// True when the descriptor is ready, false when the time has passed.
bool wait_for(const Wait& wait) {
  pollfd watched = {.fd = wait.fd, .events = 0, .revents = 0};
  if (wait.readable) watched.events |= POLLIN;
  if (wait.writable) watched.events |= POLLOUT;
  for (;;) {
    const TimePoint now = Clock::now();
    const timespec left = time_left(wait.until, now);
    const int ready = ::ppoll(&watched, 1, &left, nullptr);
    if (ready > 0) return true;
    if (ready == 0) return false;
    // EINTR: wait for the rest. Nothing else can happen with one descriptor
    // but a shortage of memory in the kernel, where trying again is right.
  }
}

}  // namespace

void blocking_wait(StepMachine& machine) {
  bool ready = false;
  while (const auto wait = machine.step(Clock::now(), ready)) {
    ready = wait_for(*wait);
  }
}

}  // namespace dbpool::detail
