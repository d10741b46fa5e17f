#ifndef DBPOOL_TESTS_E2E_FLOOD_H_
#define DBPOOL_TESTS_E2E_FLOOD_H_

#include <atomic>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

namespace dbpool::test {

// Threads that do the same again and again until the end of its scope.
class Flood {
 public:
  Flood(int threads, const std::function<void()>& act) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, act](const std::stop_token& stopped) {
        while (!stopped.stop_requested()) {
          try {
            act();
          } catch (const std::runtime_error&) {  // thrown out
          }
          ++count_;
        }
      });
    }
  }

  int count() const { return count_; }

 private:
  std::atomic<int> count_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_E2E_FLOOD_H_
