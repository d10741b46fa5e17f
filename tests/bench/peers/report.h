// What came of the rounds: tables, and the promises kept or not.
#ifndef DBPOOL_TESTS_BENCH_PEERS_REPORT_H_
#define DBPOOL_TESTS_BENCH_PEERS_REPORT_H_

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/peers/field.h"

namespace dbpool::bench {

// One line of a contender.
struct Outcome {
  double per_second = 0;
  double cpu_ms_per_1000 = 0;                    // of the client
  std::optional<std::array<double, 3>> wait_us;  // p50, p99, max
  std::optional<double> peak_memory_kib;
};

// By contender; one for each round, in their order.
using Outcomes = std::map<std::string, std::vector<Outcome>>;
using Results = std::map<Course, Outcomes>;

// Rows in the order of `entries`.
void print_tables(const std::vector<Entry>& entries, const Results& results);

// Prints each promise whose contenders took part, with the ratio that was
// measured. False if one of them is missed by more than noise explains: by a
// factor of two.
bool print_promises(const Results& results);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_PEERS_REPORT_H_
