// The brain: limits on number, age and use of connections, and the end.
#include "tests/unit/brain_fixture.h"

namespace dbpool::test {
namespace {

class BrainLimits : public BrainTest {};

TEST_F(BrainLimits, TheColdestIsClosedFirstAndTheFloorStays) {
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

TEST_F(BrainLimits, AConnectionIsRecycledAfterItsUses) {
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

TEST_F(BrainLimits, AnExpiredLeaseIsClosedWhenItComesBack) {
  options_.max_lifetime = 10s;
  options_.leak_threshold.reset();
  const ConnectionId id = lease();
  pass(1h);
  EXPECT_TRUE(work().empty());
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
  give_back(id);
  EXPECT_EQ(only_work().close_reason, CloseReason::kMaxLifetime);
}

TEST_F(BrainLimits, AnExpiredFloorConnectionIsReplaced) {
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

TEST_F(BrainLimits, LifetimesAreJittered) {
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

TEST_F(BrainLimits, EveryLifetimeEndsAtItsOwnMoment) {
  options_.max_connections = 20;
  options_.min_connections = 20;
  options_.max_concurrent_openings = 20;
  options_.max_lifetime = 100s;
  options_.idle_timeout.reset();
  serve();
  for (int i = 0; i < 20; ++i) {
    pass(brain().next_deadline() - now_);
    EXPECT_EQ(count_work(WorkKind::kClose), 1U);
  }
}

TEST_F(BrainLimits, ALifetimeThatEndedOtherwiseIsForgotten) {
  options_.max_lifetime = 100s;
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  give_back(one, ReturnState::kBroken);
  give_back(two, ReturnState::kBroken);
  pass(brain().next_deadline() - now_);
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
}

TEST_F(BrainLimits, ASmallerLimitClosesColdIdleOnesThenReturns) {
  options_.max_connections = 4;
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  const ConnectionId cold = lease();
  const ConnectionId hot = lease();
  give_back(cold);
  give_back(hot);
  resize(0, 3);
  EXPECT_EQ(only_work().id, cold);
  resize(0, 1);
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

TEST_F(BrainLimits, ASmallerLimitAbortsOpenings) {
  ask();
  ask();
  std::vector<Work> openings = work();
  resize(0, 1);
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

TEST_F(BrainLimits, AnOpeningThatNobodyHasBegunIsDropped) {
  ask();
  ask();
  resize(0, 1);
  EXPECT_EQ(only_work().kind, WorkKind::kOpen);
  EXPECT_EQ(stats().total, 1U);
}

TEST_F(BrainLimits, AGreaterLimitOpensForThoseWhoWait) {
  options_.max_connections = 1;
  const std::uint32_t slots = brain().slot_count();
  const ConnectionId id = lease();
  Waiter& waiter = ask();
  EXPECT_TRUE(work().empty());
  resize(0, 5);
  EXPECT_GT(brain().slot_count(), slots);
  succeed(only_work());
  EXPECT_EQ(waiter.state, Waiter::State::kGranted);
  EXPECT_NE(waiter.granted, id);
}

TEST_F(BrainLimits, ClosingDrainsIdleOnesAndWaitsForLeases) {
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

TEST_F(BrainLimits, ClosingAbortsOpeningsAndChecks) {
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

TEST_F(BrainLimits, ManyPiecesOfWorkComeInBatches) {
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
