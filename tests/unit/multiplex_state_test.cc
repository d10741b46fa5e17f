// The multiplexer's decisions, one at a time; tests/simulation has them all at
// once.
#include "pool/src/brain/multiplex_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <optional>
#include <vector>

namespace dbpool::detail {
namespace {

using namespace std::chrono_literals;  // NOLINT: tests read better so
using Kind = MultiplexAction::Kind;
using testing::ElementsAre;

class MultiplexStateTest : public testing::Test {
 protected:
  MultiplexState& brain() {
    if (!brain_) brain_.emplace(limits_, now_);
    return *brain_;
  }
  Job& submit() {
    Job& job = jobs_.emplace_back();
    job.submitted_at = now_;
    job.wait_until = now_ + 5s;
    job.timeout = 1s;
    brain().submit(job, now_);
    return job;
  }
  std::uint32_t lease() {
    brain().acquiring();
    return brain().acquired(now_);
  }
  void dispatch() { brain().dispatch(room_, now_); }
  void pass(Duration span) {
    now_ += span;
    brain().advance(now_);
  }
  std::vector<Kind> take_actions() {
    std::vector<Kind> kinds;
    for (const MultiplexAction& action : brain().actions()) {
      kinds.push_back(action.kind);
      last_end_ = action.end;
    }
    brain().actions().clear();
    return kinds;
  }
  MultiplexStats stats() {
    MultiplexStats stats;
    brain().snapshot(stats);
    return stats;
  }

  MultiplexLimits limits_ = {.depth = 3,
                             .max_waiting = 100,
                             .budget = 10ms,
                             .max_hold = 1s,
                             .grace = 100ms};
  TimePoint now_ = TimePoint(1h);
  PoolRoom room_ = {.idle = 0, .max_connections = 2};
  std::deque<Job> jobs_;
  std::optional<MultiplexState> brain_;
  JobEnd last_end_ = JobEnd::kLost;
};

TEST_F(MultiplexStateTest, AStatementGoesToTheCarrierWithTheFewest) {
  const std::uint32_t first = lease();
  const std::uint32_t second = lease();
  const Job& one = submit();
  const Job& two = submit();
  const Job& three = submit();
  dispatch();
  EXPECT_NE(one.carrier, two.carrier);
  EXPECT_EQ(stats().in_flight, 3u);
  brain().finished(three.carrier, now_);
  brain().finished(three.carrier, now_);
  const Job& four = submit();
  dispatch();
  EXPECT_EQ(four.carrier, three.carrier);
  EXPECT_NE(first, second);
}

TEST_F(MultiplexStateTest, DepthIsABound) {
  lease();
  for (int i = 0; i < 5; ++i) submit();
  dispatch();
  EXPECT_EQ(stats().in_flight, 3u);
  EXPECT_EQ(brain().queued(), 2u);
}

TEST_F(MultiplexStateTest, NothingIsPutBehindAStatementThatUsedUpTheBudget) {
  const std::uint32_t carrier = lease();
  submit();
  dispatch();
  pass(11ms);
  submit();
  dispatch();
  EXPECT_EQ(brain().queued(), 1u);
  brain().finished(carrier, now_);
  dispatch();
  EXPECT_EQ(brain().queued(), 0u);
}

TEST_F(MultiplexStateTest, WhoHasUsedUpTheBudgetMakesWayForOthersThatWait) {
  const std::uint32_t carrier = lease();
  submit();
  dispatch();
  take_actions();
  pass(11ms);
  brain().finished(carrier, now_);
  submit();
  room_.waiting = 1;
  dispatch();
  brain().end_round(now_);
  EXPECT_THAT(take_actions(), ElementsAre(Kind::kGiveBack));
  EXPECT_EQ(brain().queued(), 1u);
}

TEST_F(MultiplexStateTest, NothingHoldsAConnectionForEver) {
  const std::uint32_t carrier = lease();
  for (int i = 0; i < 200; ++i) {
    submit();
    dispatch();
    if (stats().in_flight == 0) break;
    pass(9ms);
    brain().finished(carrier, now_);
  }
  brain().end_round(now_);
  EXPECT_EQ(brain().carriers(), 0u);
  EXPECT_LE(stats().carrier_time, 1s + 9ms);
}

TEST_F(MultiplexStateTest, AnIdleConnectionIsBetterThanAPlaceBehindOthers) {
  lease();
  submit();
  dispatch();
  submit();
  EXPECT_FALSE(brain().wants_lease(room_));
  room_.idle = 1;
  EXPECT_TRUE(brain().wants_lease(room_));
  room_ = {.max_connections = 2, .may_grow = true};
  EXPECT_TRUE(brain().wants_lease(room_));
  brain().acquiring();
  EXPECT_FALSE(brain().wants_lease(room_)) << "one request at a time";
}

TEST_F(MultiplexStateTest, OneThatIsPastItsTimeIsAnsweredAndStays) {
  const std::uint32_t carrier = lease();
  Job& job = submit();
  dispatch();
  take_actions();
  pass(1s);
  EXPECT_THAT(take_actions(), ElementsAre(Kind::kAnswer));
  EXPECT_EQ(last_end_, JobEnd::kTimeout);
  EXPECT_EQ(job.state, Job::State::kSent);
  EXPECT_EQ(&brain().finished(carrier, now_), &job);
  EXPECT_TRUE(job.answered);
  EXPECT_EQ(stats().answered, 1u);
  EXPECT_EQ(stats().abandoned, 1u);
}

TEST_F(MultiplexStateTest, PastItsGraceTheConnectionIsGivenUp) {
  lease();
  submit();
  submit().timeout = 1h;
  dispatch();
  take_actions();
  pass(1s);
  take_actions();
  EXPECT_EQ(brain().next_deadline(), now_ + 100ms);
  pass(100ms);
  EXPECT_THAT(take_actions(), ElementsAre(Kind::kHangUp, Kind::kForget,
                                          Kind::kAnswer, Kind::kGiveBack));
  EXPECT_EQ(brain().jobs(), 0u);
}

TEST_F(MultiplexStateTest, WhatWasNotSentGoesElsewhereWhenAConnectionBreaks) {
  const std::uint32_t carrier = lease();
  submit();
  Job& unsent = submit();
  dispatch();
  take_actions();
  brain().lost(carrier, 1, now_);
  EXPECT_THAT(take_actions(), ElementsAre(Kind::kAnswer, Kind::kGiveBack));
  EXPECT_EQ(unsent.state, Job::State::kQueued);
  lease();
  dispatch();
  EXPECT_EQ(unsent.state, Job::State::kSent);
}

TEST_F(MultiplexStateTest, ACancelledOneIsAnsweredOnce) {
  const std::uint32_t carrier = lease();
  Job& sent = submit();
  dispatch();
  Job& queued = submit();
  take_actions();
  brain().cancel(sent, now_);
  brain().cancel(queued, now_);
  brain().cancel(sent, now_);
  EXPECT_THAT(take_actions(), ElementsAre(Kind::kAnswer, Kind::kAnswer));
  EXPECT_EQ(queued.state, Job::State::kDone);
  EXPECT_EQ(&brain().finished(carrier, now_), &sent);
}

TEST_F(MultiplexStateTest, ClosingFailsThoseThatWaitAndLetsTheOthersEnd) {
  const std::uint32_t carrier = lease();
  submit();
  dispatch();
  submit();
  take_actions();
  brain().close(now_);
  EXPECT_THAT(take_actions(), ElementsAre(Kind::kAnswer));
  EXPECT_EQ(last_end_, JobEnd::kClosed);
  EXPECT_FALSE(brain().is_drained());
  brain().finished(carrier, now_);
  brain().end_round(now_);
  EXPECT_TRUE(brain().is_drained());
}

TEST_F(MultiplexStateTest, WhenThePoolLendsNothingThoseThatWaitFail) {
  submit();
  brain().acquiring();
  brain().acquire_failed(false, now_);
  EXPECT_THAT(take_actions(), ElementsAre());
  brain().acquiring();
  brain().acquire_failed(true, now_);
  EXPECT_THAT(take_actions(), ElementsAre(Kind::kAnswer));
  EXPECT_EQ(last_end_, JobEnd::kNoLease);
}

TEST_F(MultiplexStateTest, HeadOfLineWaitingIsFromSendingToTheHead) {
  const std::uint32_t carrier = lease();
  submit();
  submit();
  dispatch();
  pass(3ms);
  brain().finished(carrier, now_);
  EXPECT_EQ(stats().head_of_line.count(), 2u);
  EXPECT_EQ(stats().head_of_line.sum, 3ms);
  EXPECT_EQ(stats().in_flight_time, 6ms);
}

}  // namespace
}  // namespace dbpool::detail
