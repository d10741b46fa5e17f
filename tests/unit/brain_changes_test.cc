// The brain: options and a database that change while it runs.
#include "tests/unit/brain_fixture.h"

namespace dbpool::test {
namespace {

class BrainChanges : public BrainTest {
 protected:
  // So many connections that are open and idle.
  std::vector<ConnectionId> open(std::size_t count) {
    std::vector<ConnectionId> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back(lease());
    for (const ConnectionId id : all) give_back(id);
    return all;
  }
};

// --- Options -----------------------------------------------------------------

TEST_F(BrainChanges, ANewIdleTimeoutHoldsForThoseThatAreIdle) {
  options_.idle_timeout.reset();
  open(1);
  pass(1h);
  EXPECT_TRUE(work().empty());
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
  options_.idle_timeout = 10s;
  reconfigure();
  EXPECT_TRUE(woken_);
  pass(0s);
  EXPECT_EQ(only_work().close_reason, CloseReason::kIdleTimeout);
}

TEST_F(BrainChanges, AnIdleConnectionPastItsNewUsesIsClosedAtOnce) {
  const std::vector<ConnectionId> all = open(2);
  give_back(ask().granted);  // the hottest again
  options_.max_uses = 2;
  reconfigure();
  const Work close = only_work();
  EXPECT_EQ(close.id, all[1]);
  EXPECT_EQ(close.close_reason, CloseReason::kMaxUses);
}

TEST_F(BrainChanges, ALeaseIsNeverBrokenOffByNewOptions) {
  const ConnectionId id = lease();
  options_.max_uses = 1;
  options_.max_lifetime = 1ns;
  now_ += 1s;
  reconfigure();
  pass(1s);
  EXPECT_TRUE(work().empty());
  give_back(id);
  EXPECT_EQ(only_work().kind, WorkKind::kClose);
}

TEST_F(BrainChanges, ANewLifetimeCountsFromTheOpening) {
  options_.idle_timeout.reset();
  open(1);
  pass(50s);
  options_.max_lifetime = 100s;
  reconfigure();
  pass(39s);
  EXPECT_TRUE(work().empty());
  pass(21s + 1ns);
  EXPECT_EQ(only_work().close_reason, CloseReason::kMaxLifetime);
}

TEST_F(BrainChanges, ALifetimeThatIsTakenAwayEndsNothing) {
  options_.idle_timeout.reset();
  options_.max_lifetime = 100s;
  open(1);
  options_.max_lifetime.reset();
  reconfigure();
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
  pass(1h);
  EXPECT_TRUE(work().empty());
}

TEST_F(BrainChanges, AnUnchangedLifetimeIsNotDrawnAnew) {
  options_.idle_timeout.reset();
  options_.max_lifetime = 100s;
  open(2);
  const TimePoint first = brain().next_deadline();
  resize(0, 5);
  EXPECT_EQ(brain().next_deadline(), first);
}

TEST_F(BrainChanges, ASmallerQueueRefusesLaterRequestsAndKeepsThoseThatWait) {
  options_.max_connections = 1;
  const ConnectionId id = lease();
  Waiter& first = ask();
  Waiter& second = ask();
  options_.max_waiting_requests = 1;
  reconfigure();
  EXPECT_EQ(stats().waiting_total, 2U);
  EXPECT_EQ(stats().max_waiting_requests, 1U);
  EXPECT_EQ(ask().failure, AcquireFailure::kQueueFull);
  give_back(id);
  EXPECT_EQ(first.state, Waiter::State::kGranted);
  EXPECT_EQ(ask().failure, AcquireFailure::kQueueFull);
  give_back(first.granted);
  EXPECT_EQ(second.state, Waiter::State::kGranted);
  EXPECT_EQ(ask().state, Waiter::State::kQueued);
}

TEST_F(BrainChanges, ALargerQueueTakesInMore) {
  options_.max_connections = 1;
  options_.max_waiting_requests = 1;
  lease();
  ask();
  EXPECT_EQ(ask().failure, AcquireFailure::kQueueFull);
  options_.max_waiting_requests = 500;
  reconfigure();
  for (int i = 0; i < 499; ++i) ask(1h);
  EXPECT_EQ(stats().waiting_total, 500U);
  EXPECT_EQ(ask().failure, AcquireFailure::kQueueFull);
  pass(5s);  // the first one's patience
  EXPECT_EQ(stats().waiting_total, 499U);
}

TEST_F(BrainChanges, ALowerLeakThresholdReportsLeasesThatAreOut) {
  options_.leak_threshold.reset();
  const ConnectionId id = lease();
  pass(1min);
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());
  options_.leak_threshold = 30s;
  reconfigure();
  EXPECT_TRUE(woken_);
  std::vector<LeaseFacts> leaks;
  leaks.reserve(PoolState::kMaxWorkBatch);
  EXPECT_TRUE(brain().take_leaks(leaks, now_));
  EXPECT_EQ(leaks.at(0).id, id);
}

TEST_F(BrainChanges, ALeaseThatWasReportedStaysOverdueUnderAHigherThreshold) {
  options_.leak_threshold = 30s;
  const ConnectionId id = lease();
  pass(1min);
  options_.leak_threshold = 1h;
  reconfigure();
  EXPECT_EQ(stats().overdue_leases, 1U);
  pass(1h);
  EXPECT_EQ(stats().leaks_suspected, 1U);
  give_back(id);
  EXPECT_EQ(stats().overdue_leases, 0U);
}

TEST_F(BrainChanges, AShorterBackoffCutsTheWaitShort) {
  options_.backoff_initial = 1h;
  options_.backoff_max = 1h;
  options_.min_connections = 1;
  fail_opening(only_work().id);
  pass(1min);
  EXPECT_TRUE(work().empty());
  options_.backoff_initial = 50ms;
  options_.backoff_max = 2s;
  reconfigure();
  pass(200ms);
  EXPECT_EQ(only_work().kind, WorkKind::kOpen);
}

TEST_F(BrainChanges, MoreOpeningsAtOnceBeginAtOnce) {
  options_.max_connections = 10;
  options_.min_connections = 5;
  options_.max_concurrent_openings = 1;
  EXPECT_EQ(work().size(), 1U);
  options_.max_concurrent_openings = 4;
  reconfigure();
  EXPECT_EQ(count_work(WorkKind::kOpen), 3U);
}

TEST_F(BrainChanges, AClosedPoolTakesNewOptionsAndStaysClosed) {
  const ConnectionId id = lease();
  note(brain().close(now_));
  resize(5, 10);
  renew();
  EXPECT_TRUE(work().empty());
  EXPECT_EQ(ask().failure, AcquireFailure::kClosed);
  give_back(id);
  EXPECT_EQ(only_work().close_reason, CloseReason::kDrain);
}

// --- The database ------------------------------------------------------------

TEST_F(BrainChanges, AnIdleConnectionGoesWhenItsReplacementIsThere) {
  options_.max_connections = 5;
  const ConnectionId old = open(1).front();
  renew();
  const Work opening = only_work();
  EXPECT_EQ(opening.kind, WorkKind::kOpen);
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
  succeed(opening);
  const Work close = only_work();
  EXPECT_EQ(close.id, old);
  EXPECT_EQ(close.close_reason, CloseReason::kReload);
  succeed(close);
  EXPECT_TRUE(work().empty());
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
  EXPECT_EQ(closed(CloseReason::kReload), 1U);
}

TEST_F(BrainChanges, IdleOnesAreReplacedOneAfterTheOther) {
  options_.max_connections = 8;
  open(4);
  renew();
  std::uint32_t opened = 0;
  for (std::vector<Work> all = work(); !all.empty(); all = work()) {
    EXPECT_LE(all.size(), 2U);
    EXPECT_GE(count(ConnectionState::kIdle), 4U);
    for (const Work& item : all) {
      opened += item.kind == WorkKind::kOpen ? 1 : 0;
      succeed(item);
    }
  }
  EXPECT_EQ(opened, 4U);
  EXPECT_EQ(closed(CloseReason::kReload), 4U);
}

TEST_F(BrainChanges, InAFullPoolOneMakesRoomForTheFirstTry) {
  options_.max_connections = 4;
  options_.min_connections = 4;
  options_.idle_timeout.reset();
  const std::vector<ConnectionId> all = open(4);
  renew();
  const Work close = only_work();
  EXPECT_EQ(close.id, all[0]);
  EXPECT_EQ(close.close_reason, CloseReason::kReload);
  succeed(close);
  const Work opening = only_work();
  // The new database does not let anybody in: the others stay.
  fail_opening(opening.id, ConnectFailure::kAuth);
  for (int i = 0; i < 20; ++i) {
    pass(2s);
    for (const Work& item : work()) {
      ASSERT_EQ(item.kind, WorkKind::kOpen);
      fail_opening(item.id, ConnectFailure::kAuth);
    }
  }
  EXPECT_EQ(count(ConnectionState::kIdle), 3U);
  // Until it does.
  pass(2s);
  serve();
  EXPECT_EQ(closed(CloseReason::kReload), 4U);
  EXPECT_EQ(count(ConnectionState::kIdle), 4U);
}

TEST_F(BrainChanges, AFullPoolMakesRoomAlsoAfterATryThatFailed) {
  options_.max_connections = 3;
  options_.idle_timeout.reset();
  open(2);
  renew();
  fail_opening(only_work().id);
  resize(0, 2);  // no room for the next one
  const Work close = only_work();
  EXPECT_EQ(close.close_reason, CloseReason::kReload);
  succeed(close);
  pass(2s);
  serve();
  EXPECT_EQ(closed(CloseReason::kReload), 2U);
}

TEST_F(BrainChanges, TheLastLiveConnectionIsNeverRisked) {
  options_.max_connections = 1;
  options_.idle_timeout.reset();
  const ConnectionId id = open(1).front();
  renew();
  EXPECT_TRUE(work().empty());
  EXPECT_EQ(ask().granted, id);
  give_back(id, ReturnState::kBroken);  // ends for another reason
  serve();
  EXPECT_NE(lease(), id);
}

TEST_F(BrainChanges, ALeaseIsReplacedWhenItComesBack) {
  options_.max_connections = 3;
  const ConnectionId old = lease();
  renew();
  EXPECT_TRUE(work().empty());  // nothing is idle that could be replaced
  const ConnectionId other = lease();
  EXPECT_NE(other, old);
  give_back(old);
  EXPECT_EQ(only_work().close_reason, CloseReason::kReload);
}

TEST_F(BrainChanges, ALeaseThatComesBackBeforeTheFirstSuccessIsLentAgain) {
  options_.max_connections = 3;
  const ConnectionId old = lease();
  renew();
  give_back(old);
  const Work opening = only_work();
  EXPECT_EQ(opening.kind, WorkKind::kOpen);
  EXPECT_EQ(ask().granted, old);
  succeed(opening);
  give_back(old, ReturnState::kDirty);  // no clean-up for what goes anyway
  const Work close = only_work();
  EXPECT_EQ(close.id, old);
  EXPECT_EQ(close.close_reason, CloseReason::kReload);
}

TEST_F(BrainChanges, InAFullPoolThatIsNeverIdleLeasesAreReplacedOneByOne) {
  std::vector<ConnectionId> leases = {lease(), lease()};
  for (int i = 0; i < 4; ++i) ask(1h);
  renew();
  EXPECT_TRUE(work().empty());
  give_back(leases[0]);
  const Work close = only_work();
  EXPECT_EQ(close.close_reason, CloseReason::kReload);
  give_back(leases[1]);  // lent again, since the other is on its way
  EXPECT_EQ(count(ConnectionState::kActive), 1U);
  succeed(close);
  succeed(only_work());
  EXPECT_EQ(count(ConnectionState::kActive), 2U);
  give_back(leases[1]);
  EXPECT_EQ(only_work().close_reason, CloseReason::kReload);
}

TEST_F(BrainChanges, WhatIsBeingOpenedIsGivenUpAndBegunAnew) {
  options_.max_connections = 3;
  Waiter& waiter = ask();
  const Work opening = only_work();
  renew();
  const std::vector<Work> all = work();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].abort_opening);
  EXPECT_EQ(all[1].kind, WorkKind::kOpen);
  succeed(opening);  // comes late
  EXPECT_EQ(waiter.state, Waiter::State::kQueued);
  succeed(all[1]);
  EXPECT_EQ(waiter.state, Waiter::State::kGranted);
  EXPECT_NE(waiter.granted, opening.id);
}

TEST_F(BrainChanges, ARenewalEndsTheBackoff) {
  options_.min_connections = 1;
  fail_opening(only_work().id, ConnectFailure::kAuth);
  EXPECT_EQ(ask().failure, AcquireFailure::kBackendDown);
  renew();
  EXPECT_FALSE(stats().backing_off);
  EXPECT_EQ(ask().state, Waiter::State::kQueued);
  EXPECT_EQ(only_work().kind, WorkKind::kOpen);
}

TEST_F(BrainChanges, ASecondRenewalNeedsASuccessOfItsOwn) {
  options_.max_connections = 5;
  open(2);
  renew();
  succeed(only_work());
  renew();  // one of the first is being closed, two are idle
  EXPECT_EQ(count(ConnectionState::kIdle), 2U);
  for (const Work& item : work()) {
    if (item.kind == WorkKind::kClose) succeed(item);
    if (item.kind == WorkKind::kOpen) fail_opening(item.id);
  }
  EXPECT_EQ(count(ConnectionState::kIdle), 2U);
  pass(1s);
  serve();
  EXPECT_EQ(closed(CloseReason::kReload), 3U);
}

TEST_F(BrainChanges, AConnectionThatIsCheckedIsReplacedAfterwards) {
  options_.max_connections = 3;
  const ConnectionId old = open(1).front();
  now_ += 5s;
  Waiter& waiter = ask();
  const Work check = only_work();
  renew();
  succeed(check);
  EXPECT_EQ(waiter.granted, old);
  give_back(old);
  serve();
  EXPECT_EQ(closed(CloseReason::kReload), 1U);
}

}  // namespace
}  // namespace dbpool::test
