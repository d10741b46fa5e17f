// LockWatch: for how long a thread holds the mutexes that it locks.
//
// The program that links this has a pthread_mutex_lock and -unlock of its own,
// before the C library's: so what is measured is the library as it is.
#ifndef DBPOOL_TESTS_BENCH_FRUGAL_LOCK_WATCH_H_
#define DBPOOL_TESTS_BENCH_FRUGAL_LOCK_WATCH_H_

#include <chrono>
#include <vector>

namespace dbpool::bench {

// Of the thread that made it, as long as it lives; one at a time.
class LockWatch {
 public:
  LockWatch();
  ~LockWatch();
  LockWatch(const LockWatch&) = delete;
  LockWatch& operator=(const LockWatch&) = delete;

  // In order of locking; of those that were unlocked.
  std::vector<std::chrono::nanoseconds> held() const;

  // The mutex functions' only.
  void locked(const void* mutex);
  void unlocked(const void* mutex);

 private:
  struct Hold {
    const void* mutex = nullptr;
    std::chrono::steady_clock::time_point from;
    std::chrono::nanoseconds length{-1};  // -1: still held
  };

  std::vector<Hold> holds_;
};

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_FRUGAL_LOCK_WATCH_H_
