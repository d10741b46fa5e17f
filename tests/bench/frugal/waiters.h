// The library alone with many requests that wait.
#ifndef DBPOOL_TESTS_BENCH_FRUGAL_WAITERS_H_
#define DBPOOL_TESTS_BENCH_FRUGAL_WAITERS_H_

#include <string>

#include "tests/bench/frugal/sheet.h"

namespace dbpool::bench {

// Memory with kManyWaiting callbacks or coroutines in async_acquire(), each
// measured in a process of its own, which run_waiters() is.
void measure_waiters(Sheet& sheet, const std::string& url);

// `kind` is "callbacks" or "coroutines". Prints its memory before and with
// the waiters, in KiB.
void run_waiters(const std::string& kind, const std::string& url);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_FRUGAL_WAITERS_H_
