#include "pool/src/waiting/wake_signal.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "pool/src/waiting/parker.h"

namespace dbpool::detail {
namespace {

bool readable(const WakeSignal& signal, int timeout_ms = 0) {
  pollfd entry = {.fd = signal.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, timeout_ms) == 1;
}

TEST(WakeSignal, WakesALoopThatSleeps) {
  WakeSignal signal;
  signal.awake();
  ASSERT_TRUE(signal.try_sleep());
  EXPECT_FALSE(readable(signal));
  signal.raise();
  signal.raise();
  EXPECT_TRUE(readable(signal));
  signal.awake();
  EXPECT_FALSE(readable(signal));
}

TEST(WakeSignal, AWriteThatComesAfterTheLoopIsAwakeWakesItOnce) {
  WakeSignal signal;
  signal.awake();
  ASSERT_TRUE(signal.try_sleep());
  signal.awake();  // the sleep ended by itself
  const std::uint64_t late = 1;
  ASSERT_EQ(::write(signal.fd(), &late, sizeof late), 8);
  ASSERT_TRUE(signal.try_sleep());
  EXPECT_TRUE(readable(signal));
  signal.awake();
  EXPECT_FALSE(readable(signal));
}

TEST(WakeSignal, KeepsALoopFromSleepingWithoutASystemCall) {
  WakeSignal signal;
  signal.awake();
  signal.raise();
  EXPECT_FALSE(signal.try_sleep());
  EXPECT_FALSE(readable(signal));
  signal.awake();
  EXPECT_TRUE(signal.try_sleep());
}

TEST(WakeSignal, LosesNoRaise) {
  constexpr int kRaises = 20'000;
  WakeSignal signal;
  std::atomic<int> produced = 0;
  std::thread producer([&] {
    for (int i = 0; i < kRaises; ++i) {
      ++produced;
      signal.raise();
    }
  });
  int seen = 0;
  while (seen < kRaises) {
    signal.awake();
    seen = produced;
    if (seen < kRaises && signal.try_sleep()) {
      ASSERT_TRUE(readable(signal, 60'000)) << "slept through a raise";
    }
  }
  producer.join();
}

TEST(Parker, ASignalThatCameFirstIsNotLost) {
  Parker parker;
  parker.signal();
  EXPECT_TRUE(parker.wait_until(TimePoint::min()));
}

TEST(Parker, ASignalIsConsumedByOneWait) {
  Parker parker;
  parker.signal();
  parker.wait();
  EXPECT_FALSE(parker.wait_until(Clock::now()));
}

TEST(Parker, EachThreadHasItsOwn) {
  const std::shared_ptr<Parker> mine = Parker::of_this_thread();
  EXPECT_EQ(mine, Parker::of_this_thread());
  std::shared_ptr<Parker> other;
  std::thread([&] { other = Parker::of_this_thread(); }).join();
  EXPECT_NE(mine, other);
  other->signal();  // its thread is gone; it is not
}

}  // namespace
}  // namespace dbpool::detail
