#ifndef DBPOOL_TESTS_BENCH_MUTEX_POOL_H_
#define DBPOOL_TESTS_BENCH_MUTEX_POOL_H_

#include <condition_variable>
#include <mutex>
#include <vector>

namespace dbpool::bench {

// The least that lends things to threads: no order among those that wait, no
// deadline, no account of anything. What a pool costs is told against it.
template <typename T>
class MutexPool {
 public:
  T acquire() {
    std::unique_lock lock(mutex_);
    available_.wait(lock, [this] { return !idle_.empty(); });
    T taken = idle_.back();
    idle_.pop_back();
    return taken;
  }

  void release(T taken) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(taken);
    }
    available_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable available_;
  std::vector<T> idle_;  // guarded by mutex_
};

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_MUTEX_POOL_H_
