#ifndef DBPOOL_TESTS_INTEGRATION_PATIENCE_H_
#define DBPOOL_TESTS_INTEGRATION_PATIENCE_H_

#include <chrono>

namespace dbpool::test {

// For what must happen at some time; never a measure of speed.
inline constexpr auto kLongEnough = std::chrono::seconds(60);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_INTEGRATION_PATIENCE_H_
