// For how long a snapshot keeps everybody else out.
#ifndef DBPOOL_TESTS_BENCH_FRUGAL_SNAPSHOTS_H_
#define DBPOOL_TESTS_BENCH_FRUGAL_SNAPSHOTS_H_

#include <string>

#include "tests/bench/frugal/sheet.h"

namespace dbpool::bench {

// The pool's mutex, held by Pool::stats() with one name of queries and with
// as many as a pool can keep.
void measure_snapshots(Sheet& sheet, const std::string& url);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_FRUGAL_SNAPSHOTS_H_
