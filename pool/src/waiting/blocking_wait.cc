#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "pool/src/base/unique_fd.h"
#include "pool/src/waiting/blocking_wait.h"

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

// Makes a descriptor readable once a token is asked to stop.
class StopEvent {
 public:
  explicit StopEvent(const std::stop_token& stop)
      : fd_(stop.stop_possible() ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
                                 : -1),
        raise_(stop, Raise{fd_.get()}) {}

  int fd() const noexcept { return fd_.get(); }  // -1: there is none

 private:
  struct Raise {
    int fd;
    void operator()() const noexcept { ::eventfd_write(fd, 1); }
  };

  const UniqueFd fd_;
  const std::stop_callback<Raise> raise_;
};

// True when the descriptor is ready, false when the time has passed or there
// was an event on `stop`.
bool wait_for(const Wait& wait, int stop) {
  std::array<pollfd, 2> polled = {
      {{.fd = wait.fd, .events = 0, .revents = 0},
       {.fd = stop, .events = POLLIN, .revents = 0}}};
  if (wait.readable) polled[0].events |= POLLIN;
  if (wait.writable) polled[0].events |= POLLOUT;
  for (;;) {
    const TimePoint now = Clock::now();
    const timespec left = time_left(wait.until, now);
    const int ready = ::ppoll(polled.data(), polled.size(), &left, nullptr);
    if (ready >= 0) return polled[0].revents != 0;
    // EINTR: wait for the rest. Nothing else can happen with two descriptors
    // but a shortage of memory in the kernel, where trying again is right.
  }
}

}  // namespace

bool blocking_wait(StepMachine& machine, const std::stop_token& stop) {
  const StopEvent stopped(stop);
  bool ready = false;
  while (const auto wait = machine.step(Clock::now(), ready)) {
    ready = wait_for(*wait, stopped.fd());
    if (stop.stop_requested()) return false;
  }
  return true;
}

}  // namespace dbpool::detail
