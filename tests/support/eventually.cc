#include "tests/support/eventually.h"

#include <thread>

namespace dbpool::test {

bool eventually(std::chrono::milliseconds deadline,
                const std::function<bool()>& predicate,
                std::chrono::milliseconds pause) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (std::chrono::steady_clock::now() < end) {
    if (predicate()) return true;
    std::this_thread::sleep_for(pause);
  }
  return predicate();
}

}  // namespace dbpool::test
