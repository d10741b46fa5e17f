// require(): throws Violation with a message.
#ifndef DBPOOL_TESTS_SIMULATION_REQUIRE_H_
#define DBPOOL_TESTS_SIMULATION_REQUIRE_H_

#include "tests/simulation/event.h"

namespace dbpool::test {

inline void require(bool holds, const char* promise) {
  if (!holds) [[unlikely]] {
    throw Violation(promise);
  }
}

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_REQUIRE_H_
