#include "exporter/workload/arrivals.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <random>

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart = TimePoint(seconds(1'000));

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

TEST(WorkloadArrivalsTest, NothingIsDueWithoutARate) {
  Arrivals arrivals(1);
  EXPECT_EQ(arrivals.next(), TimePoint::max());
  arrivals.set_rate(10, kStart);
  EXPECT_LT(arrivals.next(), TimePoint::max());
  arrivals.set_rate(0, kStart);
  EXPECT_EQ(arrivals.next(), TimePoint::max());
}

TEST(WorkloadArrivalsTest, GapsAreExponentialWithTheRatesMean) {
  constexpr int kArrivals = 100'000;
  Arrivals arrivals(7);
  arrivals.set_rate(200, kStart);
  TimePoint last = kStart;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kArrivals; ++i) {
    const TimePoint due = arrivals.take();
    ASSERT_GE(due, last);
    const double gap = in_seconds(due - last);
    sum += gap;
    squares += gap * gap;
    last = due;
  }
  const double mean = sum / kArrivals;
  const double deviation = std::sqrt(squares / kArrivals - mean * mean);
  EXPECT_NEAR(mean, 0.005, 0.0001);
  EXPECT_NEAR(deviation, 0.005, 0.0002);
}

TEST(WorkloadArrivalsTest, TheScheduleDoesNotDependOnWhenItIsRead) {
  Arrivals prompt(3);
  Arrivals late(3);
  prompt.set_rate(50, kStart);
  late.set_rate(50, kStart);
  // However long the reader of `late` sleeps, each due time is the same.
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(prompt.take(), late.take());
}

TEST(WorkloadArrivalsTest, ANewRateKeepsWhatIsDueAlready) {
  Arrivals arrivals(5);
  arrivals.set_rate(1'000, kStart);
  const TimePoint due = arrivals.next();
  arrivals.set_rate(1, due + seconds(10));
  EXPECT_EQ(arrivals.next(), due);
  arrivals.set_rate(0, due + seconds(10));
  EXPECT_EQ(arrivals.take(), due);
  EXPECT_EQ(arrivals.next(), TimePoint::max());
}

TEST(WorkloadArrivalsTest, ANewRateReplacesTheGapUnderWay) {
  Arrivals arrivals(5);
  arrivals.set_rate(1e-9, kStart);
  EXPECT_GT(arrivals.next(), kStart + seconds(3'600));
  arrivals.set_rate(1e6, kStart + seconds(1));
  EXPECT_GE(arrivals.next(), kStart + seconds(1));
  EXPECT_LT(arrivals.next(), kStart + seconds(2));
}

TEST(FailurePauseTest, GrowsFromTenMillisecondsToASecond) {
  std::mt19937_64 random(1);
  for (std::uint32_t failures = 1; failures <= 100; ++failures) {
    const Duration longest = failures > 7
                                 ? Duration(seconds(1))
                                 : Duration(milliseconds(10 << (failures - 1)));
    for (int i = 0; i < 20; ++i) {
      const Duration pause = failure_pause(failures, random);
      EXPECT_GE(pause, longest / 2);
      EXPECT_LE(pause, longest);
    }
  }
}

}  // namespace
}  // namespace dbpool::exporter
