// The small parts of the brain, each alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <vector>

#include "pool/src/brain/backoff.h"
#include "pool/src/brain/latency_histogram.h"
#include "pool/src/brain/sliding_peak.h"
#include "pool/src/brain/time_integral.h"
#include "pool/src/brain/wait_queue.h"
#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

using namespace std::chrono_literals;  // NOLINT: tests read better so

constexpr TimePoint kStart = TimePoint(1h);

TEST(TimeIntegral, AddsCountTimesTime) {
  TimeIntegral integral;
  integral.add(3, 2ns);
  integral.add(0, 1h);
  integral.add(1, 1ns);
  EXPECT_EQ(integral.total(), 7ns);
}

TEST(TimeIntegral, BeginsAgainAtZeroInsteadOfOverflowing) {
  TimeIntegral integral;
  integral.add(1, std::chrono::nanoseconds::max());
  integral.add(1, 1ns);
  EXPECT_EQ(integral.total(), 0ns);
  integral.add(2, std::chrono::nanoseconds::max());
  EXPECT_EQ(integral.total(), 0ns);
  integral.add(1, 5ns);
  EXPECT_EQ(integral.total(), 5ns);
}

TEST(SaturatingTime, StopsAtTheEndOfTheClock) {
  EXPECT_EQ(saturating_add(kStart, 1s), kStart + 1s);
  EXPECT_EQ(saturating_add(kStart, Duration::max()), TimePoint::max());
  EXPECT_EQ(saturating_add(TimePoint::max(), 1s), TimePoint::max());
}

TEST(LatencyHistogram, CountsABoundInItsOwnBucket) {
  LatencyHistogram histogram;
  histogram.observe(0ns);
  histogram.observe(100us);
  histogram.observe(100us + 1ns);
  histogram.observe(60s);
  histogram.observe(61s);
  histogram.observe(-5s);
  const HistogramSnapshot snapshot = histogram.snapshot();
  EXPECT_EQ(snapshot.counts[0], 3U);
  EXPECT_EQ(snapshot.counts[1], 1U);
  EXPECT_EQ(snapshot.counts[kLatencyBoundsNs.size() - 1], 1U);
  EXPECT_EQ(snapshot.counts[kLatencyBoundsNs.size()], 1U);
  EXPECT_EQ(snapshot.count(), 6U);
  EXPECT_EQ(snapshot.sum, 121s + 200us + 1ns);
}

TEST(SlidingPeak, KeepsALevelForAMinuteAfterItsEnd) {
  SlidingPeak peak(kStart);
  peak.set(7, kStart + 10s);
  peak.set(2, kStart + 20s);
  EXPECT_EQ(peak.peak(kStart + 80s), 7U);
  EXPECT_EQ(peak.peak(kStart + 82s), 2U);
}

TEST(SlidingPeak, ALevelThatLastsDoesNotAge) {
  SlidingPeak peak(kStart);
  peak.set(5, kStart);
  EXPECT_EQ(peak.peak(kStart + 1h), 5U);
  peak.set(0, kStart + 1h);
  EXPECT_EQ(peak.peak(kStart + 1h + 59s), 5U);
  EXPECT_EQ(peak.peak(kStart + 1h + 62s), 0U);
}

TEST(SlidingPeak, SeesASpikeOfNoLengthAtAll) {
  SlidingPeak peak(kStart);
  peak.set(9, kStart + 5s);
  peak.set(0, kStart + 5s);
  EXPECT_EQ(peak.peak(kStart + 6s), 9U);
}

Duration fail_at_once(Backoff& backoff, Jitter& jitter) {
  return backoff.failed(kStart, TimePoint::min(), kStart, jitter);
}

TEST(Backoff, WaitsARandomTimeFromTheUpperHalf) {
  Backoff backoff(100ms, 1s);
  Jitter jitter(3);
  std::vector<Duration> waits;
  for (int i = 0; i < 40; ++i) {
    backoff.reset();
    waits.push_back(fail_at_once(backoff, jitter));
  }
  const auto [least, most] = std::minmax_element(waits.begin(), waits.end());
  EXPECT_GE(*least, 50ms);
  EXPECT_LT(*least, 65ms);
  EXPECT_GT(*most, 85ms);
  EXPECT_LE(*most, 100ms);
}

TEST(Backoff, HoldsUntilTheRetryAndForgetsAfterASuccess) {
  Backoff backoff(100ms, 1s);
  Jitter jitter(3);
  EXPECT_FALSE(backoff.holds(kStart));
  const Duration wait = fail_at_once(backoff, jitter);
  EXPECT_TRUE(backoff.holds(kStart + wait - 1ns));
  EXPECT_FALSE(backoff.holds(kStart + wait));
  EXPECT_EQ(backoff.failures_in_a_row(), 1U);
  backoff.reset();
  EXPECT_FALSE(backoff.holds(kStart));
  EXPECT_EQ(backoff.failures_in_a_row(), 0U);
}

TEST(Backoff, ATryThatHangsHoldsTheNextUpForOneStepOnly) {
  Backoff backoff(1s, 1s);
  Jitter jitter(3);
  backoff.begun(kStart);
  EXPECT_FALSE(backoff.holds(kStart));  // nothing has failed
  EXPECT_EQ(backoff.failed(kStart, TimePoint::min(), kStart + 5s, jitter), 0s);
  backoff.begun(kStart + 5s);
  EXPECT_TRUE(backoff.holds(kStart + 6s - 1ns));
  EXPECT_FALSE(backoff.holds(kStart + 6s));
  backoff.begun(kStart + 6s);
  // The one that was overtaken says nothing new; the latest one does.
  EXPECT_EQ(backoff.failed(kStart + 5s, kStart, kStart + 6s, jitter), 1s);
  EXPECT_LT(backoff.failed(kStart + 6s, kStart, kStart + 6s, jitter), 1s);
  EXPECT_EQ(backoff.failed(kStart + 6s, kStart + 8s, kStart + 6s, jitter), 2s);
}

TEST(Backoff, NeverWaitsLongerThanItsMaximum) {
  Backoff backoff(3ns, 7ns);
  Jitter jitter(3);
  for (int i = 0; i < 200; ++i) {
    const Duration wait = fail_at_once(backoff, jitter);
    EXPECT_LE(wait, 7ns);
    EXPECT_GE(wait, i == 0 ? 1ns : 3ns);
  }
  Backoff endless(1h, Duration::max());
  for (int i = 0; i < 200; ++i) fail_at_once(endless, jitter);
  EXPECT_GE(fail_at_once(endless, jitter), Duration::max() / 2);
}

TEST(WaitQueue, KeepsOrderAndFirstDeadlineWhateverLeaves) {
  constexpr std::uint32_t kCount = 200;
  WaitQueue queue(kCount);
  std::deque<Waiter> waiters(kCount);
  Jitter random(5);
  for (Waiter& waiter : waiters) {
    waiter.deadline = kStart + Duration(random.next() % 1000);
    queue.push(waiter);
  }
  EXPECT_TRUE(queue.full());
  std::vector<Waiter*> left;
  for (Waiter& waiter : waiters) left.push_back(&waiter);
  while (!left.empty()) {
    const auto earliest = *std::min_element(
        left.begin(), left.end(),
        [](auto* a, auto* b) { return a->deadline < b->deadline; });
    ASSERT_EQ(queue.first_deadline(), earliest->deadline);
    ASSERT_EQ(queue.first_to_expire()->deadline, earliest->deadline);
    ASSERT_EQ(queue.head(), left.front());
    ASSERT_EQ(queue.size(), left.size());
    const auto victim =
        left.begin() + static_cast<std::ptrdiff_t>(random.next() % left.size());
    queue.remove(**victim);
    left.erase(victim);
  }
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.first_to_expire(), nullptr);
  EXPECT_EQ(queue.first_deadline(), TimePoint::max());
}

TEST(WaitQueue, WithoutADeadlineNothingExpires) {
  WaitQueue queue(2);
  Waiter waiter;
  queue.push(waiter);
  EXPECT_EQ(queue.first_to_expire(), nullptr);
  queue.remove(waiter);
  EXPECT_TRUE(queue.empty());
}

TEST(WaitQueue, TellsWhoStandsAtTheFront) {
  WaitQueue queue(3);
  Waiter waiters[3];
  for (Waiter& waiter : waiters) queue.push(waiter);
  EXPECT_TRUE(queue.is_within(waiters[0], 1));
  EXPECT_FALSE(queue.is_within(waiters[1], 1));
  EXPECT_FALSE(queue.is_within(waiters[0], 0));
  EXPECT_TRUE(queue.is_within(waiters[2], 9));
}

}  // namespace
}  // namespace dbpool::detail
