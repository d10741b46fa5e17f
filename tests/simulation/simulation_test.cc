// Seeded random histories of the brain, every promise checked after each
// event. DBPOOL_SIMULATION_EVENTS sets how many events all shards run
// together, DBPOOL_SIMULATION_SEED where the seeds begin.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "tests/simulation/history.h"
#include "tests/simulation/lazy_history.h"
#include "tests/simulation/multiplex_history.h"

namespace dbpool::test {
namespace {

constexpr std::uint64_t kShards = 8;
constexpr std::uint64_t kEventsOfAHistory = 4000;

// Five millions where that takes seconds, fewer in slow builds.
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kEvents = 5'200'000;
#else
constexpr std::uint64_t kEvents = 500'000;
#endif

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

class Simulation : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Simulation, EveryPromiseHoldsAfterEveryEvent) {
  const std::uint64_t events =
      number_from("DBPOOL_SIMULATION_EVENTS", kEvents) / kShards;
  std::uint64_t seed = number_from("DBPOOL_SIMULATION_SEED", 1) + GetParam();
  std::uint64_t done = 0;
  for (; done < events; seed += kShards) {
    History history(seed);
    const auto violation = history.run(kEventsOfAHistory);
    ASSERT_FALSE(violation) << *violation;
    done += history.events();
  }
  RecordProperty("events", std::to_string(done));
}

TEST_P(Simulation, ALateHousekeeperIsWokenForAllThatMatters) {
  const std::uint64_t events =
      number_from("DBPOOL_SIMULATION_EVENTS", kEvents) / kShards / 4;
  std::uint64_t seed = number_from("DBPOOL_SIMULATION_SEED", 1) + GetParam();
  std::uint64_t done = 0;
  for (; done < events; seed += kShards) {
    Random random(seed);
    LazyHistory history(seed, random_options(random));
    const auto violation = history.run(kEventsOfAHistory);
    ASSERT_FALSE(violation) << *violation;
    done += history.events();
  }
}

TEST_P(Simulation, EveryPromiseOfTheMultiplexerHoldsAfterEveryRound) {
  const std::uint64_t events =
      number_from("DBPOOL_SIMULATION_EVENTS", kEvents) / kShards / 4;
  std::uint64_t seed = number_from("DBPOOL_SIMULATION_SEED", 1) + GetParam();
  for (std::uint64_t done = 0; done < events; seed += kShards) {
    MultiplexHistory history(seed);
    const auto violation = history.run(kEventsOfAHistory);
    ASSERT_FALSE(violation) << *violation;
    done += kEventsOfAHistory;
  }
}

INSTANTIATE_TEST_SUITE_P(Shards, Simulation,
                         testing::Range(std::uint64_t{0}, kShards));

}  // namespace
}  // namespace dbpool::test
