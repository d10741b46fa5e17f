// Course: injects faults into a rig under load, and records what becomes of it.
#ifndef DBPOOL_TESTS_FAULTS_COURSE_H_
#define DBPOOL_TESTS_FAULTS_COURSE_H_

#include <chrono>
#include <cstdint>

#include "tests/faults/fault.h"
#include "tests/faults/figures.h"

namespace dbpool::test {

struct PlayOptions {
  int injections = 3;
  Contender contender = Contender::kDbpool;
  std::uint32_t seed = 1;
  bool alerts = false;  // judge them too
};

// One fault, again and again, each time after it has recovered. Throws
// std::runtime_error when the rig does not do its part.
Figures play(const Fault& fault, const PlayOptions& options);

// Those of `faults` that are plain, in an order, for times and at distances
// that the seed chooses; some begin before it has recovered from the last.
Figures play_at_random(const std::vector<Fault>& faults,
                       std::chrono::seconds length, const PlayOptions& options);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_COURSE_H_
