#ifndef DBPOOL_TESTS_BENCH_GROWTH_TABLE_H_
#define DBPOOL_TESTS_BENCH_GROWTH_TABLE_H_

#include <string>
#include <vector>

#include "tests/bench/growth/points.h"

namespace dbpool::bench {

// A heading and a table in Markdown for each curve.
std::string markdown_of(const std::vector<Curve>& curves);

// Says of each curve whether no step of it costs more than proportionally;
// true if that holds of all.
bool print_verdicts(const std::vector<Curve>& curves);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_GROWTH_TABLE_H_
