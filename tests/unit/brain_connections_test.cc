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
  EXPECT_EQ(brain().next_deadline(), now_ + PoolState::kSlowCheck);
  pass(PoolState::kSlowCheck);
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

TEST_F(BrainConnections, TheColdestIsClosedFirstAndTheFloorStays) {
  options_.min_connections = 1;
  options_.idle_timeout = 10s;
  serve();
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  give_back(one);
  now_ += 1s;
  give_back(two);
  EXPECT_EQ(brain().next_deadline(), now_ + 9s);
  pass(1h);
  const Work close = only_work();
  EXPECT_EQ(close.id, one);
  EXPECT_EQ(close.close_reason, CloseReason::kIdleTimeout);
  succeed(close);
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
}

TEST_F(BrainConnections, AConnectionIsRecycledAfterItsUses) {
  options_.max_uses = 2;
  const ConnectionId id = lease();
  give_back(id);
  give_back(ask().granted);
  ClosedFacts facts;
  EXPECT_EQ(only_work().close_reason, CloseReason::kMaxUses);
  note(brain().closed(id, now_, &facts));
  EXPECT_EQ(facts.uses, 2U);
  EXPECT_TRUE(facts.was_open);
  EXPECT_EQ(facts.backend_pid, 42);
}

TEST_F(BrainConnections, AnExpiredLeaseIsClosedWhenItComesBack) {
  options_.max_lifetime = 10s;
  options_.leak_threshold.reset();
  const ConnectionId id = lease();
  pass(1h);
  EXPECT_TRUE(work().empty());
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
  give_back(id);
  EXPECT_EQ(only_work().close_reason, CloseReason::kMaxLifetime);
}

TEST_F(BrainConnections, AnExpiredFloorConnectionIsReplaced) {
  options_.min_connections = 1;
  options_.max_lifetime = 10s;
  serve();
  EXPECT_GE(brain().next_deadline(), now_ + 9s);
  EXPECT_LE(brain().next_deadline(), now_ + 11s);
  pass(11s);
  const std::vector<Work> all = work();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].close_reason, CloseReason::kMaxLifetime);
  EXPECT_EQ(all[1].kind, WorkKind::kOpen);
}

TEST_F(BrainConnections, LifetimesAreJittered) {
  options_.max_connections = 50;
  options_.min_connections = 50;
  options_.max_concurrent_openings = 50;
  options_.max_lifetime = 100s;
  options_.idle_timeout.reset();
  serve();
  pass(90s - 1ns);
  EXPECT_TRUE(work().empty());
  pass(10s);
  const std::size_t early = count_work(WorkKind::kClose);
  EXPECT_GT(early, 5U);
  EXPECT_LT(early, 45U);
  pass(10s + 1ns);
  EXPECT_EQ(count_work(WorkKind::kClose), 50U - early);
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

TEST_F(BrainConnections, ASmallerLimitClosesColdIdleOnesThenReturns) {
  options_.max_connections = 4;
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  const ConnectionId cold = lease();
  const ConnectionId hot = lease();
  give_back(cold);
  give_back(hot);
  note(brain().resize(0, 3, now_));
  EXPECT_EQ(only_work().id, cold);
  note(brain().resize(0, 1, now_));
  EXPECT_EQ(only_work().id, hot);
  EXPECT_EQ(stats().total, 4U);
  Waiter& waiter = ask();
  EXPECT_TRUE(work().empty());
  give_back(one);
  EXPECT_EQ(only_work().close_reason, CloseReason::kResize);
  EXPECT_EQ(waiter.state, Waiter::State::kQueued);
  give_back(two);
  EXPECT_EQ(waiter.state, Waiter::State::kGranted);
}

TEST_F(BrainConnections, ASmallerLimitAbortsOpenings) {
  ask();
  ask();
  std::vector<Work> openings = work();
  note(brain().resize(0, 1, now_));
  const Work abort = only_work();
  EXPECT_TRUE(abort.abort_opening);
  EXPECT_EQ(abort.id, openings[1].id);
  succeed(openings[1]);  // comes late
  EXPECT_EQ(stats().opened, 0U);
  ClosedFacts facts;
  note(brain().closed(abort.id, now_, &facts));
  EXPECT_FALSE(facts.was_open);
  EXPECT_EQ(closed(CloseReason::kResize), 0U);
}

TEST_F(BrainConnections, AnOpeningThatNobodyHasBegunIsDropped) {
  ask();
  ask();
  note(brain().resize(0, 1, now_));
  EXPECT_EQ(only_work().kind, WorkKind::kOpen);
  EXPECT_EQ(stats().total, 1U);
}

TEST_F(BrainConnections, AGreaterLimitOpensForThoseWhoWait) {
  options_.max_connections = 1;
  const std::uint32_t slots = brain().slot_count();
  const ConnectionId id = lease();
  Waiter& waiter = ask();
  EXPECT_TRUE(work().empty());
  note(brain().resize(0, 5, now_));
  EXPECT_GT(brain().slot_count(), slots);
  succeed(only_work());
  EXPECT_EQ(waiter.state, Waiter::State::kGranted);
  EXPECT_NE(waiter.granted, id);
}

TEST_F(BrainConnections, ClosingDrainsIdleOnesAndWaitsForLeases) {
  const ConnectionId id = lease();
  give_back(lease());
  note(brain().close(now_));
  const Work close = only_work();
  EXPECT_EQ(close.close_reason, CloseReason::kDrain);
  succeed(close);
  EXPECT_FALSE(brain().is_drained());
  give_back(id, ReturnState::kDirty);  // no clean-up for a grave
  const Work last = only_work();
  EXPECT_EQ(last.kind, WorkKind::kClose);
  EXPECT_EQ(last.close_reason, CloseReason::kDrain);
  succeed(last);
  EXPECT_TRUE(brain().is_drained());
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
}

TEST_F(BrainConnections, ClosingAbortsOpeningsAndChecks) {
  give_back(lease());
  now_ += 5s;
  ask();
  ask();
  const std::vector<Work> under_way = work();
  ASSERT_EQ(under_way.size(), 2U);
  note(brain().close(now_));
  const std::vector<Work> all = work();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].kind, WorkKind::kClose);
  EXPECT_TRUE(all[0].abort_opening);
  EXPECT_EQ(all[1].kind, WorkKind::kClose);
  EXPECT_FALSE(all[1].abort_opening);
  for (const Work& late : under_way) succeed(late);
  EXPECT_EQ(count(ConnectionState::kClosing), 2U);
}

TEST_F(BrainConnections, ManyPiecesOfWorkComeInBatches) {
  options_.max_connections = 100;
  options_.min_connections = 100;
  options_.max_concurrent_openings = 1000;
  std::vector<Work> batch;
  batch.reserve(PoolState::kMaxWorkBatch);
  EXPECT_TRUE(brain().take_work(batch));
  EXPECT_EQ(batch.size(), PoolState::kMaxWorkBatch);
  EXPECT_FALSE(brain().take_work(batch));
  EXPECT_EQ(batch.size(), 100U - PoolState::kMaxWorkBatch);
}

}  // namespace
}  // namespace dbpool::test
