// Random choices of a history; the same seed gives the same history.
#ifndef DBPOOL_TESTS_SIMULATION_RANDOM_H_
#define DBPOOL_TESTS_SIMULATION_RANDOM_H_

#include <cstdint>

#include "pool/src/brain/jitter.h"

namespace dbpool::test {

class Random {
 public:
  explicit Random(std::uint64_t seed) : numbers_(seed) {}

  // From [0, end); end > 0.
  std::uint64_t below(std::uint64_t end) { return numbers_.next() % end; }
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(below(high - low + 1));
  }
  Duration between(Duration low, Duration high) {
    return numbers_.between(low, high);
  }
  bool chance(std::uint32_t percent) { return below(100) < percent; }

 private:
  detail::Jitter numbers_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_RANDOM_H_
