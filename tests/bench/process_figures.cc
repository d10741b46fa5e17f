#include "tests/bench/process_figures.h"

#include <time.h>

#include <fstream>
#include <stdexcept>
#include <string>

namespace dbpool::bench {
namespace {

[[noreturn]] void fail(pid_t pid) {
  throw std::runtime_error("no process " + std::to_string(pid));
}

}  // namespace

Memory memory_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  Memory memory;
  std::string key;
  while (status >> key) {
    if (key == "VmRSS:") status >> memory.resident_kib;
    if (key == "RssAnon:") status >> memory.own_kib;
    // Not ru_maxrss, which begins with that of the program before exec.
    if (key == "VmHWM:") status >> memory.peak_kib;
  }
  if (memory.resident_kib == 0) fail(pid);
  return memory;
}

std::chrono::duration<double> cpu_time_of(pid_t pid) {
  clockid_t clock = 0;
  timespec time = {};
  if (::clock_getcpuclockid(pid, &clock) != 0 ||
      ::clock_gettime(clock, &time) != 0) {
    fail(pid);
  }
  return std::chrono::duration<double>(static_cast<double>(time.tv_sec) +
                                       static_cast<double>(time.tv_nsec) *
                                           1e-9);
}

}  // namespace dbpool::bench
