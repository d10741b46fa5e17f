// What a pool's snapshots say of its load, and what that load needs.
#include "exporter/diagnosis/load.h"

#include <gtest/gtest.h>

#include <cmath>

#include "exporter/diagnosis/sizing.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr TimePoint kStart = TimePoint(seconds(1000));

// A pool that grants 50 leases of 20 ms each second.
LoadSample steady(std::uint64_t second) {
  LoadSample sample;
  sample.at = kStart + seconds(second);
  sample.arrivals = sample.acquires = sample.granted = sample.leases =
      50 * second;
  sample.lease_time = milliseconds(20) * static_cast<int>(sample.leases);
  sample.lease_squares = 0.02 * 0.02 * static_cast<double>(sample.leases);
  sample.active_time = sample.lease_time;
  sample.statements = sample.leases;
  sample.statement_time = sample.lease_time / 2;
  return sample;
}

TEST(Load, IsArrivalsByHold) {
  const Load load = load_between(steady(0), steady(10));
  EXPECT_DOUBLE_EQ(load.arrivals_per_second(), 50);
  EXPECT_EQ(load.mean_hold, milliseconds(20));
  EXPECT_EQ(load.mean_statement, milliseconds(10));
  EXPECT_DOUBLE_EQ(load.offered().value(), 1.0);
  EXPECT_NEAR(load.hold_variation, 0, 1e-9) << "all holds are equal";
  EXPECT_FALSE(load.misses_objective());
}

TEST(Load, CountsThoseWhoWaitAndThoseWhoFailed) {
  PoolStats stats;
  stats.acquires = 90;
  stats.waiting_total = 10;
  stats.acquire_failures[static_cast<std::size_t>(
      AcquireFailure::kTimeoutCapacity)] = 3;
  stats.wait_granted.counts[9] = 80;  // up to 100 ms
  stats.wait_granted.counts[10] = 7;  // longer
  const LoadSample sample = sample_of(stats, kStart);
  EXPECT_EQ(sample.arrivals, 100U);
  EXPECT_EQ(sample.slow, 10U);
  EXPECT_EQ(sample.granted, 87U);
}

TEST(Load, WithoutALeaseThatEndedTheHoldIsThatOfThoseStillOut) {
  LoadSample before;
  before.at = kStart;
  LoadSample after = before;
  after.at += seconds(10);
  after.arrivals = after.granted = 2;
  after.active_time = seconds(16);
  EXPECT_EQ(load_between(before, after).mean_hold, seconds(8));
  after.granted = 0;
  EXPECT_FALSE(load_between(before, after).offered());
}

TEST(LoadHistory, TellsTheLastSecondsAndTheLastHourApart) {
  LoadHistory history;
  EXPECT_EQ(history.last(seconds(3)).during, Duration::zero());
  for (std::uint64_t second = 0; second <= 600; ++second) {
    history.add(steady(second));
  }
  EXPECT_EQ(history.last(seconds(3)).during, seconds(3));
  EXPECT_EQ(history.last(minutes(1)).during, minutes(1));
  EXPECT_EQ(history.last(minutes(10)).during, minutes(1)) << "all it keeps";
  ASSERT_TRUE(history.baseline());
  EXPECT_EQ(history.baseline()->during, minutes(9));
  for (std::uint64_t second = 601; second <= 7200; ++second) {
    history.add(steady(second));
  }
  EXPECT_EQ(history.baseline()->during, minutes(59));
}

TEST(LoadHistory, HasNoBaselineAtFirst) {
  LoadHistory history;
  for (std::uint64_t second = 0; second < 360; ++second) {
    history.add(steady(second));
    EXPECT_FALSE(history.baseline());
  }
  history.add(steady(360));
  EXPECT_TRUE(history.baseline());
}

TEST(Sizing, ErlangCIsThatOfTheTables) {
  // One server: the probability to wait is the load itself.
  EXPECT_NEAR(erlang_c(1, 0.5), 0.5, 1e-12);
  // Two servers, one Erlang: 1/3.
  EXPECT_NEAR(erlang_c(2, 1), 1.0 / 3, 1e-12);
  // Computed by the sum formula, a^c/c! c/(c-a) over that and the sum of
  // a^k/k!.
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
  // 11.2 connections by 560 acquires/s of 20 ms: one alone in the queue waits
  // 20 ms / (c - 11.2) on average.
  const OfferedLoad load{560, milliseconds(20), 1};
  const auto needed = needed_connections(load);
  ASSERT_TRUE(needed);
  EXPECT_LE(wait_tail(*needed, load, milliseconds(100)), 0.01);
  EXPECT_GT(wait_tail(*needed - 1, load, milliseconds(100)), 0.01);
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

}  // namespace
}  // namespace dbpool::exporter
