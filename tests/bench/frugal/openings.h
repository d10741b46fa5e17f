// What openings with a password cost queries that run meanwhile.
#ifndef DBPOOL_TESTS_BENCH_FRUGAL_OPENINGS_H_
#define DBPOOL_TESTS_BENCH_FRUGAL_OPENINGS_H_

#include <string>

#include "tests/bench/frugal/sheet.h"
#include "tests/support/postgres.h"

namespace dbpool::bench {

// How long 99 % of queries take at most while another pool of the same
// process opens 50 connections a second, over that while another process
// does: a machine is busy with openings whoever makes them, and what the
// process adds is what it is answerable for.
void measure_openings(Sheet& sheet, const test::Postgres& postgres);

// Prints a line when it begins, opens its connections, and returns.
void run_openings(const std::string& url);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_FRUGAL_OPENINGS_H_
