#ifndef DBPOOL_POOL_SRC_BASE_ONE_PER_PROCESS_H_
#define DBPOOL_POOL_SRC_BASE_ONE_PER_PROCESS_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "pool/src/base/fork_generation.h"

namespace dbpool::detail {

// What a process shares, made when it is first asked for and never destroyed:
// its threads may hang while the process exits. A child of fork() has neither
// those threads nor a mutex it may trust: it gets one of its own, and leaves
// its parent's alone. To be a static variable.
//
// Thread-safety: any thread.
template <typename T>
class OnePerProcess {
 public:
  // `args` are for making it.
  template <typename... Args>
  T& get(const Args&... args) {
    const std::uint64_t generation = fork_generation();
    Entry* known = current_.load(std::memory_order_acquire);
    while (known == nullptr || known->generation != generation) {
      auto fresh = std::make_unique<Entry>(generation, args...);
      if (current_.compare_exchange_weak(known, fresh.get())) {
        known = fresh.release();
      }
    }
    return known->value;
  }

  // Null if this process has not asked for it.
  T* find() noexcept {
    Entry* const known = current_.load(std::memory_order_acquire);
    const bool ours =
        known != nullptr && known->generation == fork_generation();
    return ours ? &known->value : nullptr;
  }

 private:
  struct Entry {
    template <typename... Args>
    explicit Entry(std::uint64_t of, const Args&... args)
        : generation(of), value(args...) {}

    const std::uint64_t generation;
    T value;
  };

  std::atomic<Entry*> current_{nullptr};
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BASE_ONE_PER_PROCESS_H_
