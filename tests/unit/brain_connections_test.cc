// The brain: connections, their states and their ends.
#include "tests/unit/brain_fixture.h"

namespace dbpool::test {
namespace {

class BrainConnections : public BrainTest {};

TEST_F(BrainConnections, TheFloorIsFilledFromTheStart) {
  options_.min_connections = 2;
  EXPECT_EQ(count_work(WorkKind::kOpen), 2U);
  EXPECT_EQ(count(ConnectionState::kOpening), 2U);
}

TEST_F(BrainConnections, TheFloorIsRefilledAfterALoss) {
  options_.min_connections = 1;
  serve();
  const ConnectionId id = lease();
  give_back(id, ReturnState::kBroken);
  const std::vector<Work> all = work();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].kind, WorkKind::kClose);
  EXPECT_EQ(all[0].close_reason, CloseReason::kBroken);
  EXPECT_EQ(all[1].kind, WorkKind::kOpen);
}

TEST_F(BrainConnections, ClosingOnesCountForTheLimit) {
  options_.max_connections = 1;
  options_.min_connections = 1;
  serve();
  give_back(lease(), ReturnState::kBroken);
  const Work close = only_work();
  EXPECT_EQ(close.kind, WorkKind::kClose);
  EXPECT_EQ(stats().total, 1U);
  succeed(close);
  EXPECT_TRUE(woken_);
  EXPECT_EQ(only_work().kind, WorkKind::kOpen);
}

TEST_F(BrainConnections, OpeningsAreCapped) {
  options_.max_connections = 10;
  options_.max_concurrent_openings = 3;
  for (int i = 0; i < 6; ++i) ask();
  std::vector<Work> openings = work();
  EXPECT_EQ(openings.size(), 3U);
  EXPECT_EQ(waiting(WaitReason::kOpening), 6U);
  succeed(openings[0]);
  EXPECT_EQ(count_work(WorkKind::kOpen), 1U);
}

TEST_F(BrainConnections, OpeningsAreNoMoreThanRequestsAndFloorNeed) {
  options_.max_connections = 10;
  options_.min_connections = 1;
  ask();
  EXPECT_EQ(count(ConnectionState::kOpening), 1U);  // serves both
  ask();
  EXPECT_EQ(count(ConnectionState::kOpening), 2U);
}

TEST_F(BrainConnections, AfterAFailureOneOpeningAtATimeIsTried) {
  options_.max_connections = 10;
  options_.min_connections = 4;
  std::vector<Work> openings = work();
  ASSERT_EQ(openings.size(), 4U);
  Duration wait{};
  for (const Work& open : openings) wait = fail_opening(open.id).next_try_in;
  EXPECT_EQ(brain().next_deadline(), now_ + wait);
  pass(wait);
  const Work retry = only_work();
  EXPECT_EQ(retry.kind, WorkKind::kOpen);
  succeed(retry);
  EXPECT_EQ(count_work(WorkKind::kOpen), 3U);
}

TEST_F(BrainConnections, TheBackoffDoublesAndASuccessEndsIt) {
  options_.min_connections = 1;
  options_.backoff_initial = 100ms;
  options_.backoff_max = 300ms;
  const Duration longest[] = {100ms, 200ms, 300ms, 300ms};
  std::uint32_t failures = 0;
  for (const Duration most : longest) {
    const FailedFacts facts = fail_opening(only_work().id);
    EXPECT_EQ(facts.failures_in_a_row, ++failures);
    EXPECT_GE(facts.next_try_in, most / 2);
    EXPECT_LE(facts.next_try_in, most);
    EXPECT_TRUE(stats().backing_off);
    pass(facts.next_try_in);
  }
  succeed(only_work());
  give_back(lease(), ReturnState::kBroken);
  for (const Work& item : work()) {
    if (item.kind != WorkKind::kOpen) continue;
    EXPECT_EQ(fail_opening(item.id).failures_in_a_row, 1U);
  }
}

TEST_F(BrainConnections, AnOpeningThatNobodyNeedsAnyMoreFeedsThePool) {
  Waiter& waiter = ask();
  const Work open = only_work();
  EXPECT_TRUE(brain().cancel(waiter, now_));
  succeed(open);
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
}

TEST_F(BrainConnections, ALongIdleConnectionIsCheckedBeforeItIsLent) {
  give_back(lease());
  now_ += 1s;
  give_back(ask().granted);  // a second is not longer than a second
  EXPECT_EQ(stats().acquires, 2U);
  now_ += 1s + 1ns;
  Waiter& waiter = ask();
  EXPECT_EQ(waiter.state, Waiter::State::kQueued);
  EXPECT_EQ(waiting(WaitReason::kOpening), 1U);
  const Work check = only_work();
  EXPECT_EQ(check.kind, WorkKind::kCheck);
  succeed(check);
  EXPECT_EQ(waiter.granted, check.id);
}

TEST_F(BrainConnections, ADeadConnectionCostsTheRequestNothingButTime) {
  options_.max_connections = 1;
  give_back(lease());
  now_ += 5s;
  Waiter& waiter = ask();
  note(brain().checked(only_work().id, false, now_));
  const Work close = only_work();
  EXPECT_EQ(close.close_reason, CloseReason::kCheckFailed);
  succeed(close);
  succeed(only_work());
  EXPECT_EQ(waiter.state, Waiter::State::kGranted);
  EXPECT_EQ(closed(CloseReason::kCheckFailed), 1U);
}

TEST_F(BrainConnections, AHungCheckDoesNotHoldUpTheQueue) {
  give_back(lease());
  now_ += 5s;
  Waiter& waiter = ask();
  const Work check = only_work();
  EXPECT_EQ(brain().next_deadline(), now_ + PoolState::kSlow);
  pass(PoolState::kSlow);
  const Work open = only_work();
  EXPECT_EQ(open.kind, WorkKind::kOpen);
  EXPECT_GT(brain().next_deadline(), now_);
  succeed(open);
  EXPECT_EQ(waiter.granted, open.id);
  succeed(check);
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
}

TEST_F(BrainConnections, AChoiceOfChecksBeginsWithTheHottest) {
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  give_back(two);
  give_back(one);
  now_ += 5s;
  ask();
  EXPECT_EQ(only_work().id, one);
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
}

TEST_F(BrainConnections, ACleanUpIsNotEndedByACheckNorTheReverse) {
  const ConnectionId id = lease();
  give_back(id, ReturnState::kDirty);
  note(brain().checked(id, true, now_));
  EXPECT_EQ(count(ConnectionState::kChecking), 1U);
  note(brain().cleaned(id, true, now_));
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
  now_ += 5s;
  ask();
  note(brain().cleaned(id, true, now_));
  EXPECT_EQ(count(ConnectionState::kChecking), 1U);
  note(brain().checked(id, true, now_));
  EXPECT_EQ(count(ConnectionState::kActive), 1U);
}

TEST_F(BrainConnections, ADirtyReturnIsCleanedAndCounted) {
  const ConnectionId id = lease();
  give_back(id, ReturnState::kDirty);
  EXPECT_EQ(stats().dirty_returns, 1U);
  EXPECT_EQ(count(ConnectionState::kChecking), 1U);
  const Work clean = only_work();
  EXPECT_EQ(clean.kind, WorkKind::kClean);
  succeed(clean);
  EXPECT_EQ(ask().granted, id);
}

TEST_F(BrainConnections, WhatCannotBeCleanedIsClosed) {
  give_back(lease(), ReturnState::kDirty);
  note(brain().cleaned(only_work().id, false, now_));
  EXPECT_EQ(only_work().close_reason, CloseReason::kDirty);
}

TEST_F(BrainConnections, ARetiredConnectionIsNotLentAgain) {
  give_back(lease(), ReturnState::kRetire);
  EXPECT_EQ(only_work().close_reason, CloseReason::kBroken);
  EXPECT_EQ(count(ConnectionState::kIdle), 0U);
}

TEST_F(BrainConnections, AHangUpClosesAnIdleConnectionAtOnce) {
  options_.min_connections = 1;
  serve();
  const ConnectionId id = lease();
  give_back(id);
  note(brain().hung_up(id, now_));
  EXPECT_TRUE(woken_);
  const std::vector<Work> all = work();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].close_reason, CloseReason::kBroken);
  EXPECT_EQ(all[1].kind, WorkKind::kOpen);
}

TEST_F(BrainConnections, AHangUpDuringLeaseOrCheckClosesOnReturn) {
  const ConnectionId id = lease();
  note(brain().hung_up(id, now_));
  EXPECT_TRUE(work().empty());
  give_back(id);
  EXPECT_EQ(only_work().close_reason, CloseReason::kBroken);
  succeed({.kind = WorkKind::kClose, .id = id, .close_reason = {}});

  give_back(lease());
  now_ += 5s;
  ask();
  const Work check = only_work();
  note(brain().hung_up(check.id, now_));
  succeed(check);  // the answer had come before the end
  const std::vector<Work> all = work();
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all[0].kind, WorkKind::kClose);
}

TEST_F(BrainConnections, LateNewsOfAnEarlierTenantIsIgnored) {
  const ConnectionId id = lease();
  give_back(id, ReturnState::kBroken);
  serve();
  Waiter& waiter = ask();
  const Work open = only_work();
  ASSERT_EQ(open.id.slot, id.slot);
  succeed({.kind = WorkKind::kOpen, .id = id, .close_reason = {}});
  give_back(id);
  EXPECT_EQ(waiter.state, Waiter::State::kQueued);
  EXPECT_EQ(stats().opened, 1U);
  succeed(open);
  EXPECT_EQ(waiter.state, Waiter::State::kGranted);
}

}  // namespace
}  // namespace dbpool::test
