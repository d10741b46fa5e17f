// What the kernel says of a process: this one or another.
#ifndef DBPOOL_TESTS_BENCH_PROCESS_FIGURES_H_
#define DBPOOL_TESTS_BENCH_PROCESS_FIGURES_H_

#include <sys/types.h>

#include <chrono>

namespace dbpool::bench {

struct Memory {
  long resident_kib = 0;
  long own_kib = 0;   // of that what belongs to no file: heap and stacks
  long peak_kib = 0;  // the most that was resident since exec
};

// Both throw std::runtime_error if there is no such process.
Memory memory_of(pid_t pid);
// User's and system's time of all its threads.
std::chrono::duration<double> cpu_time_of(pid_t pid);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_PROCESS_FIGURES_H_
