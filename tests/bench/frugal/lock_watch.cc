#include "tests/bench/frugal/lock_watch.h"

#include <dlfcn.h>
#include <pthread.h>

namespace dbpool::bench {
namespace {

using MutexFunction = int (*)(pthread_mutex_t*);

thread_local LockWatch* watch = nullptr;

MutexFunction next(const char* name) {
  return reinterpret_cast<MutexFunction>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

LockWatch::LockWatch() {
  holds_.reserve(100);  // no allocation, which may lock, while one is noted
  watch = this;
}

LockWatch::~LockWatch() { watch = nullptr; }

std::vector<std::chrono::nanoseconds> LockWatch::held() const {
  std::vector<std::chrono::nanoseconds> lengths;
  for (const Hold& hold : holds_) {
    if (hold.length.count() >= 0) lengths.push_back(hold.length);
  }
  return lengths;
}

void LockWatch::locked(const void* mutex) {
  if (holds_.size() == holds_.capacity()) return;
  holds_.push_back(
      Hold{.mutex = mutex, .from = std::chrono::steady_clock::now()});
}

void LockWatch::unlocked(const void* mutex) {
  const auto now = std::chrono::steady_clock::now();
  for (auto hold = holds_.rbegin(); hold != holds_.rend(); ++hold) {
    if (hold->mutex != mutex) continue;
    hold->length = now - hold->from;
    return;
  }
}

}  // namespace dbpool::bench

extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static const auto lock = dbpool::bench::next("pthread_mutex_lock");
  const int result = lock(mutex);
  if (dbpool::bench::watch != nullptr) dbpool::bench::watch->locked(mutex);
  return result;
}

extern "C" int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
  static const auto unlock = dbpool::bench::next("pthread_mutex_unlock");
  if (dbpool::bench::watch != nullptr) dbpool::bench::watch->unlocked(mutex);
  return unlock(mutex);
}
