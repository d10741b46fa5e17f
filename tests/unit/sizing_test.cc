// How many connections a load needs: the formulas, and that their answer meets
// the objective where a queue is simulated.
#include "exporter/diagnosis/sizing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <queue>
#include <random>
#include <vector>

#include "exporter/diagnosis/load.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Sizing, ErlangCIsThatOfTheTables) {
  // One server: the probability to wait is the load itself.
  EXPECT_NEAR(erlang_c(1, 0.5), 0.5, 1e-12);
  // Two servers, one Erlang: 1/3.
  EXPECT_NEAR(erlang_c(2, 1), 1.0 / 3, 1e-12);
  // By the sum: a^c/c! c/(c-a) over that and the sum of a^k/k!.
  double term = 1;
  double sum = 0;
  for (int k = 0; k < 12; ++k) {
    sum += term;
    term *= 9.0 / (k + 1);
  }
  const double waits = term * 12 / (12 - 9);
  EXPECT_NEAR(erlang_c(12, 9), waits / (sum + waits), 1e-12);
  EXPECT_EQ(erlang_c(9, 9), 1);
  EXPECT_NEAR(erlang_c(10'000, 9'000), 0, 1e-12) << "no overflow";
}

TEST(Sizing, TheFewestThatMeetTheObjectiveAreNeeded) {
  const OfferedLoad load{560, milliseconds(20), 1};
  const auto needed = needed_connections(load);
  ASSERT_TRUE(needed);
  EXPECT_LE(wait_tail(*needed, load, kGoodWait), kMaySlow);
  EXPECT_GT(wait_tail(*needed - 1, load, kGoodWait), kMaySlow);
  EXPECT_EQ(*needed, 13U);
}

TEST(Sizing, HoldsThatVaryNeedMore) {
  OfferedLoad load{20, milliseconds(400), 1};
  const auto exponential = needed_connections(load).value();
  load.hold_variation = 0;
  EXPECT_LT(needed_connections(load).value(), exponential);
  load.hold_variation = 8;
  EXPECT_GT(needed_connections(load).value(), exponential);
}

TEST(Sizing, AnIdlePoolNeedsOneAndNoPoolIsEnoughForEverything) {
  EXPECT_EQ(needed_connections({0, milliseconds(20), 1}), 1U);
  EXPECT_EQ(needed_connections({1e9, seconds(1), 1}), std::nullopt);
}

// --- Against a simulated queue -----------------------------------------------

using Hold = std::function<double(std::mt19937_64&)>;  // seconds

Hold fixed(double mean) {
  return [mean](std::mt19937_64&) { return mean; };
}

Hold exponential(double mean) {
  return [mean](std::mt19937_64& random) {
    return std::exponential_distribution<double>(1 / mean)(random);
  };
}

// Lognormal: most are short, some are very long.
Hold heavy_tailed(double mean, double variation) {
  const double square = std::log(1 + variation);
  return [mean, square](std::mt19937_64& random) {
    return std::lognormal_distribution<double>(std::log(mean) - square / 2,
                                               std::sqrt(square))(random);
  };
}

// The part of the requests that wait for longer than kGoodWait where they
// arrive at random and are served first in, first out.
double slow_part(std::uint32_t connections, double per_second,
                 const Hold& hold) {
  constexpr int kRequests = 1'000'000;
  const double good = std::chrono::duration<double>(kGoodWait).count();
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(per_second);
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (std::uint32_t i = 0; i < connections; ++i) free_at.push(0);
  double now = 0;
  int slow = 0;
  for (int i = 0; i < kRequests; ++i) {
    now += gap(random);
    const double begins = std::max(now, free_at.top());
    free_at.pop();
    free_at.push(begins + hold(random));
    slow += begins - now > good ? 1 : 0;
  }
  return static_cast<double>(slow) / kRequests;
}

struct Case {
  double per_second;
  double mean_hold;  // seconds
};
constexpr std::array kCases = {Case{560, 0.02}, Case{40, 0.5}, Case{5, 0.2},
                               Case{300, 0.1}, Case{12, 2}};

std::uint32_t needed(const Case& load, double variation) {
  return needed_connections({load.per_second,
                             std::chrono::duration_cast<Duration>(
                                 std::chrono::duration<double>(load.mean_hold)),
                             variation})
      .value();
}

TEST(Sizing, ForExponentialHoldsTheNumberIsExact) {
  for (const Case& load : kCases) {
    const std::uint32_t number = needed(load, 1);
    const Hold hold = exponential(load.mean_hold);
    EXPECT_LE(slow_part(number, load.per_second, hold), 1.1 * kMaySlow)
        << number;
    EXPECT_GT(slow_part(number - 1, load.per_second, hold), kMaySlow) << number;
  }
}

TEST(Sizing, ForOtherHoldsItMeetsTheObjective) {
  for (const Case& load : kCases) {
    EXPECT_LE(
        slow_part(needed(load, 0), load.per_second, fixed(load.mean_hold)),
        1.1 * kMaySlow);
    for (const double variation : {2.0, 5.0}) {
      EXPECT_LE(slow_part(needed(load, variation), load.per_second,
                          heavy_tailed(load.mean_hold, variation)),
                1.1 * kMaySlow)
          << needed(load, variation) << " for " << load.per_second << " × "
          << load.mean_hold << " s, variation " << variation;
    }
  }
}

}  // namespace
}  // namespace dbpool::exporter
