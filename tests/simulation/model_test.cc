// The watcher watched: histories whose outcomes are falsified in one point
// must be caught, and histories must reach all there is to reach.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "tests/simulation/history.h"

namespace dbpool::test {
namespace {

using std::chrono::nanoseconds;

// True if it changed something.
using Lie = std::function<bool(const Event&, Outcome&)>;

PoolOptions busy_options() {
  PoolOptions options;
  options.max_connections = 4;
  options.max_waiting_requests = 20;
  options.leak_threshold = std::chrono::milliseconds(30);
  options.random_seed = 1;
  return options;
}

// What the model says about a history in which `lie` was told once. A lie may
// be one that no single history can expose, so a few are tried.
std::string caught(const Lie& lie) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::uint64_t event_count = 0;
    bool lied = false;
    History history(seed, busy_options(),
                    [&](const Event& event, Outcome& outcome) {
                      if (++event_count > 500 && !lied) {
                        lied = lie(event, outcome);
                      }
                    });
    const auto violation = history.run(3000);
    if (violation) return lied ? *violation : "caught before the lie";
  }
  return "";
}

TEST(Model, FindsNothingWithoutALie) {
  EXPECT_EQ(caught([](const Event&, Outcome&) { return false; }), "");
}

TEST(Model, CatchesAnIntegralThatIsANanosecondOff) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    outcome.stats.waiting_time[0] += nanoseconds(1);
    return true;
  });
  EXPECT_TRUE(what.starts_with("the integrals of waiting")) << what;
}

TEST(Model, CatchesATimeOfConnectionsThatIsANanosecondOff) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    outcome.stats.connection_time[3] += nanoseconds(1);
    return true;
  });
  EXPECT_TRUE(what.starts_with("the integrals of connections")) << what;
}

TEST(Model, CatchesAConnectionInAnotherState) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    auto& states = outcome.stats.connections;
    if (states[3] == 0) return false;
    --states[3];
    ++states[4];
    return true;
  });
  EXPECT_TRUE(what.starts_with("the states of connections")) << what;
}

TEST(Model, CatchesARequestThatWaitsForAnotherReason) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    auto& waiting = outcome.stats.waiting;
    if (waiting[0] == 0) return false;
    --waiting[0];
    ++waiting[1];
    return true;
  });
  EXPECT_TRUE(what.starts_with("the reasons are not")) << what;
}

TEST(Model, CatchesAGrantOutOfTurn) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    if (outcome.finished.empty()) return false;
    Waiter& granted = *outcome.finished.front();
    if (granted.state != Waiter::State::kGranted) return false;
    outcome.finished.push_back(&granted);
    return true;
  });
  EXPECT_TRUE(what.starts_with("granted out of turn")) << what;
}

TEST(Model, CatchesARequestThatIsLost) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    if (outcome.finished.empty()) return false;
    outcome.finished.pop_back();
    return true;
  });
  EXPECT_NE(what, "");
  EXPECT_FALSE(what.starts_with("caught before")) << what;
}

TEST(Model, CatchesAnOpeningThatNobodyNeeds) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    outcome.work.push_back({.kind = WorkKind::kOpen,
                            .id = {.slot = 99, .generation = 1},
                            .close_reason = CloseReason::kBroken});
    return true;
  });
  EXPECT_NE(what, "");
  EXPECT_FALSE(what.starts_with("caught before")) << what;
}

TEST(Model, CatchesWorkThatIsForgotten) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    if (outcome.work.empty()) return false;
    outcome.work.pop_back();
    return true;
  });
  EXPECT_NE(what, "");
  EXPECT_FALSE(what.starts_with("caught before")) << what;
}

TEST(Model, CatchesAWrongReasonToClose) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    for (Work& work : outcome.work) {
      if (work.kind != WorkKind::kClose) continue;
      work.close_reason = work.close_reason == CloseReason::kDrain
                              ? CloseReason::kResize
                              : CloseReason::kDrain;
      return true;
    }
    return false;
  });
  EXPECT_TRUE(what.starts_with("a connection is closed for a wrong reason"))
      << what;
}

TEST(Model, CatchesALeakThatIsForgotten) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    if (outcome.leaks.empty()) return false;
    outcome.leaks.pop_back();
    return true;
  });
  EXPECT_TRUE(what.starts_with("a leak")) << what;
}

TEST(Model, CatchesAMissingWakeUp) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    if (outcome.work.empty()) return false;
    outcome.woke = false;
    return true;
  });
  EXPECT_TRUE(what.starts_with("work wakes nobody")) << what;
}

TEST(Model, CatchesATimerThatSpins) {
  const std::string what = caught([](const Event& event, Outcome& outcome) {
    if (event.kind != EventKind::kAdvance) return false;
    outcome.next_deadline = event.now;
    return true;
  });
  EXPECT_TRUE(what.starts_with("a timer spins")) << what;
}

TEST(Model, CatchesATimerThatComesTooLate) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    if (outcome.next_deadline == TimePoint::max()) return false;
    outcome.next_deadline += nanoseconds(1);
    return true;
  });
  EXPECT_TRUE(what.starts_with("a timer comes too late")) << what;
}

TEST(Model, CatchesAPeakThatIsTooHigh) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    outcome.stats.waiting_peak += 100;
    return true;
  });
  EXPECT_TRUE(what.starts_with("the peak")) << what;
}

TEST(Model, CatchesAMiscountedAcquire) {
  const std::string what = caught([](const Event&, Outcome& outcome) {
    ++outcome.stats.acquires;
    return true;
  });
  EXPECT_TRUE(what.starts_with("acquires are miscounted")) << what;
}

TEST(Model, CatchesABackoffThatIsTooShort) {
  const std::string what = caught([](const Event& event, Outcome& outcome) {
    if (event.kind != EventKind::kOpenFailed) return false;
    if (outcome.failed.next_try_in == Duration::zero()) return false;
    outcome.failed.next_try_in /= 8;
    return true;
  });
  EXPECT_TRUE(what.starts_with("the backoff")) << what;
}

// A simulation that never gets into trouble proves nothing.
TEST(Histories, ReachEveryOutcome) {
  PoolStats sums;
  const auto add = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    PoolStats last;
    History history(
        seed, [&](const Event&, Outcome& outcome) { last = outcome.stats; });
    ASSERT_FALSE(history.run(4000));
    add(sums.acquire_failures, last.acquire_failures);
    add(sums.connect_failures, last.connect_failures);
    add(sums.closed_by_reason, last.closed_by_reason);
    add(sums.waiting_time, last.waiting_time);
    add(sums.connection_time, last.connection_time);
    sums.dirty_returns += last.dirty_returns;
    sums.leaks_suspected += last.leaks_suspected;
    sums.acquires_waited += last.acquires_waited;
  }
  const auto is_many = [](std::uint64_t count) { return count >= 20; };
  const auto is_long = [](nanoseconds time) {
    return time > std::chrono::seconds(1);
  };
  const auto all = [](const auto& values, const auto& holds) {
    return std::all_of(values.begin(), values.end(), holds);
  };
  EXPECT_TRUE(all(sums.acquire_failures, is_many));
  EXPECT_TRUE(all(sums.connect_failures, is_many));
  EXPECT_TRUE(all(sums.closed_by_reason, is_many));
  EXPECT_TRUE(all(sums.waiting_time, is_long));
  EXPECT_TRUE(all(sums.connection_time, is_long));
  EXPECT_TRUE(is_many(sums.dirty_returns));
  EXPECT_TRUE(is_many(sums.leaks_suspected));
  EXPECT_TRUE(is_many(sums.acquires_waited));
}

}  // namespace
}  // namespace dbpool::test
