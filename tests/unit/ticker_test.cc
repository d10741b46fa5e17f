#include "exporter/base/ticker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <thread>

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;

TEST(TickerTest, MissedTicksAreDropped) {
  constexpr milliseconds kInterval(10);
  constexpr int kMissed = 20;
  constexpr int kAfter = 5;
  const TimePoint begin = Clock::now();
  TimePoint last;
  int ticks = 0;
  std::latch done(1);
  const Ticker ticker(kInterval, [&] {
    ++ticks;
    // The first one takes the time of many, as of a process that is stopped.
    if (ticks == 1) std::this_thread::sleep_until(begin + kMissed * kInterval);
    if (ticks != 1 + kAfter) return;
    last = Clock::now();
    done.count_down();
  });
  done.wait();
  // Made up for, they would all have come at once.
  EXPECT_GE(last - begin, (kMissed + kAfter - 1) * kInterval);
}

}  // namespace
}  // namespace dbpool::exporter
