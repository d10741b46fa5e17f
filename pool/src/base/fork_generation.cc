#include "pool/src/base/fork_generation.h"

#include <pthread.h>

#include <atomic>
#include <cstdlib>

namespace dbpool::detail {
namespace {

std::atomic<std::uint64_t> generation{0};

void count_fork() noexcept {
  generation.fetch_add(1, std::memory_order_relaxed);
}

// Registered while the library is loaded, not at the first use: a lock round
// a first use could be held by another thread at the moment of a fork.
[[gnu::constructor]] void register_handler() {
  // Without the handler a child would write into its parent's sessions.
  if (pthread_atfork(nullptr, nullptr, count_fork) != 0) std::abort();
}

}  // namespace

std::uint64_t fork_generation() noexcept {
  return generation.load(std::memory_order_relaxed);
}

}  // namespace dbpool::detail
