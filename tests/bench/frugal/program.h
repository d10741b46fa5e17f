// The promises of the program itself, dbpool_exporter.
#ifndef DBPOOL_TESTS_BENCH_FRUGAL_PROGRAM_H_
#define DBPOOL_TESTS_BENCH_FRUGAL_PROGRAM_H_

#include "tests/bench/frugal/sheet.h"
#include "tests/support/postgres.h"

namespace dbpool::bench {

inline constexpr int kManyWaiting = 100'000;
inline constexpr double kMostWaitingMb = 120;

// From exec to the first answered scrape, whatever stands where the database
// should.
void measure_start(Sheet& sheet, const test::Postgres& postgres);
// Memory and CPU with nothing to do but its probes, at its defaults, over TCP
// with a password.
void measure_rest(Sheet& sheet, const test::Postgres& postgres);
// Memory while kManyWaiting clients of its workload wait.
void measure_waiting(Sheet& sheet, const test::Postgres& postgres);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_FRUGAL_PROGRAM_H_
