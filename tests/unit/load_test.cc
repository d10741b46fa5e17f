// What a pool's snapshots say of its load.
#include "exporter/diagnosis/load.h"

#include <gtest/gtest.h>

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
  EXPECT_EQ(load.statement_time, seconds(5));
  EXPECT_EQ(load.held, seconds(10));
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

}  // namespace
}  // namespace dbpool::exporter
