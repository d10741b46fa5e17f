#ifndef DBPOOL_TESTS_BENCH_MUST_H_
#define DBPOOL_TESTS_BENCH_MUST_H_

#include <stdexcept>
#include <utility>

#include "dbpool/error.h"

namespace dbpool::bench {

// What a benchmark cannot go on without; throws the error's text.
template <typename T>
T must(Expected<T> expected) {
  if (!expected) throw std::runtime_error(expected.error().message);
  return std::move(*expected);
}

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_MUST_H_
