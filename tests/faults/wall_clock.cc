// A library to be preloaded: the wall clock of a process, apart from the
// machine's. It is ahead of that by the seconds in the file that
// FAULTS_CLOCK_FILE names, a number of 64 bits which may change at any time.
//
// Only those who read the clock are deceived: a wait until a time of the wall
// clock, which should not be, ends by the machine's.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

using Seconds = std::atomic<std::int64_t>;

const Seconds* map_file() noexcept {
  static constinit Seconds none{0};
  const char* const path = std::getenv("FAULTS_CLOCK_FILE");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &none;
  void* const page =
      ::mmap(nullptr, sizeof(Seconds), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return page == MAP_FAILED ? &none : static_cast<const Seconds*>(page);
}

time_t seconds_ahead() noexcept {
  static const Seconds* const ahead = map_file();
  return ahead->load(std::memory_order_relaxed);
}

template <typename Function>
Function* next(const char* name) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const real = next<decltype(::clock_gettime)>("clock_gettime");
  const int status = real(clock, time);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
    time->tv_sec += seconds_ahead();
  }
  return status;
}

int gettimeofday(timeval* time, void* zone) noexcept {
  static auto* const real = next<decltype(::gettimeofday)>("gettimeofday");
  const int status = real(time, zone);
  time->tv_sec += seconds_ahead();
  return status;
}

time_t time(time_t* time) noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  if (time != nullptr) *time = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
