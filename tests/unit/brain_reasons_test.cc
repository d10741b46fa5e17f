// The brain: why requests wait, and when there is no hope for them.
#include "tests/unit/brain_fixture.h"

namespace dbpool::test {
namespace {

using State = Waiter::State;

class BrainReasons : public BrainTest {};

TEST_F(BrainReasons, WithoutHopeRequestsFailAtOnceAndWithTheCause) {
  const Waiter& first = ask();
  const Waiter& second = ask();
  const std::vector<Work> openings = work();
  ASSERT_EQ(openings.size(), 2U);
  fail_opening(openings[0].id);
  EXPECT_TRUE(finished_.empty());  // the other opening may succeed
  EXPECT_EQ(waiting(WaitReason::kBackendDown), 2U);
  fail_opening(openings[1].id);
  EXPECT_EQ(finished_.size(), 2U);
  EXPECT_EQ(first.failure, AcquireFailure::kBackendDown);
  EXPECT_EQ(second.failure, AcquireFailure::kBackendDown);
  EXPECT_EQ(ask().failure, AcquireFailure::kBackendDown);
}

TEST_F(BrainReasons, RefusedSlotsAreToldApartFromADeadServer) {
  const Waiter& waiter = ask();
  fail_opening(only_work().id, ConnectFailure::kTooManyConnections);
  EXPECT_EQ(waiter.failure, AcquireFailure::kServerSlots);
  EXPECT_EQ(ask().failure, AcquireFailure::kServerSlots);
}

TEST_F(BrainReasons, WhileOneConnectionLivesRequestsWait) {
  const ConnectionId id = lease();
  Waiter& waiter = ask();
  fail_opening(only_work().id, ConnectFailure::kTooManyConnections);
  EXPECT_EQ(waiter.state, State::kQueued);
  EXPECT_EQ(waiting(WaitReason::kServerSlots), 1U);
  give_back(id);
  EXPECT_EQ(waiter.state, State::kGranted);
}

TEST_F(BrainReasons, TheLastConnectionTakesTheHopeWithIt) {
  const ConnectionId id = lease();
  Waiter& waiter = ask();
  fail_opening(only_work().id);
  give_back(id, ReturnState::kBroken);
  EXPECT_EQ(waiter.failure, AcquireFailure::kBackendDown);
  EXPECT_EQ(finished_, std::vector<Waiter*>{&waiter});
}

TEST_F(BrainReasons, AfterTheBackoffTheNextRequestTriesAgain) {
  ask();
  const Duration wait = fail_opening(only_work().id).next_try_in;
  EXPECT_EQ(brain().next_deadline(), TimePoint::max());  // nobody wants one
  now_ += wait - 1ns;
  EXPECT_EQ(ask().state, State::kFailed);
  now_ += 1ns;
  Waiter& retry = ask(10ms);
  EXPECT_EQ(retry.state, State::kQueued);
  EXPECT_EQ(waiting(WaitReason::kBackendDown), 1U);
  EXPECT_EQ(only_work().kind, WorkKind::kOpen);
  pass(10ms);
  EXPECT_EQ(retry.failure, AcquireFailure::kTimeoutBackendDown);
}

// Whatever swallows the retry: nothing is known of it for as long as it hangs.
TEST_F(BrainReasons, IntoABlackHoleNobodyWaitsForARetry) {
  const Waiter& first = ask(1h);
  const Work open = only_work();
  EXPECT_FALSE(open.quick);
  now_ += 5s;
  EXPECT_EQ(first.state, State::kQueued);  // nothing has failed yet
  // It hung for longer than the backoff: the next one begins at once.
  EXPECT_EQ(fail_opening(open.id, ConnectFailure::kTimeout).next_try_in, 0s);
  const Work retry = only_work();
  EXPECT_FALSE(retry.quick);
  EXPECT_EQ(ask(1h).state, State::kQueued);
  EXPECT_EQ(brain().next_deadline(), now_ + PoolState::kSlow);
  pass(PoolState::kSlow);
  EXPECT_EQ(finished_.size(), 2U);
  EXPECT_EQ(first.failure, AcquireFailure::kBackendDown);
  EXPECT_EQ(ask(1h).failure, AcquireFailure::kBackendDown);
  EXPECT_TRUE(work().empty());

  // When the retry succeeds all the same, whoever comes then gets it.
  now_ += 50ms;
  succeed(retry);
  EXPECT_EQ(ask().granted, retry.id);
}

TEST_F(BrainReasons, ARetryThatHangsIsOvertakenAndGivenUpWhenTheNextSucceeds) {
  options_.max_connections = 3;
  ask();
  pass(fail_opening(only_work().id).next_try_in);
  ask(1h);
  const Work hangs = only_work();
  pass(PoolState::kSlow);
  EXPECT_EQ(ask(1h).state, State::kFailed);
  pass(PoolState::kOvertakes - PoolState::kSlow);
  EXPECT_TRUE(work().empty());  // nobody asks
  const Waiter& waiter = ask(1h);
  EXPECT_EQ(waiter.state, State::kQueued);
  const Work next = only_work();
  EXPECT_FALSE(next.quick);
  succeed(next);
  EXPECT_EQ(waiter.granted, next.id);
  const Work abort = only_work();
  EXPECT_EQ(abort.id, hangs.id);
  EXPECT_TRUE(abort.abort_opening);
}

TEST_F(BrainReasons, RetriesThatHangLeaveTheLastPlaceToQuickOnes) {
  options_.min_connections = 1;
  options_.max_connections = 10;
  options_.max_concurrent_openings = 3;
  pass(fail_opening(only_work().id).next_try_in);
  for (const bool quick : {false, false, true}) {
    EXPECT_EQ(only_work().quick, quick);
    pass(PoolState::kOvertakes);
  }
  pass(1h);
  EXPECT_TRUE(work().empty());
}

TEST_F(BrainReasons, AQuickAnswerToARetryServesAllThatCameMeanwhile) {
  ask();
  pass(fail_opening(only_work().id).next_try_in);
  const Waiter& one = ask();
  const Waiter& two = ask();
  now_ += 20ms;
  succeed(only_work());
  EXPECT_EQ(one.state, State::kGranted);
  succeed(only_work());
  EXPECT_EQ(two.state, State::kGranted);
}

TEST_F(BrainReasons, WhereOnlyOneCanBeTriedEveryOtherRetryIsAQuickOne) {
  options_.min_connections = 1;
  options_.max_connections = 1;
  for (const bool quick : {false, true, false, true, false}) {
    const Work open = only_work();
    EXPECT_EQ(open.quick, quick);
    pass(fail_opening(open.id, ConnectFailure::kTimeout).next_try_in);
  }
}

TEST_F(BrainReasons, WhileClosingOnesFillTheLimitARetryIsAwaited) {
  const ConnectionId one = lease();
  ask();
  fail_opening(only_work().id);
  pass(1h);  // that failure says little by now
  resize(0, 1);
  give_back(one, ReturnState::kBroken);
  const Work close = only_work();
  const Waiter& waiter = ask();
  EXPECT_EQ(waiter.state, State::kQueued);
  EXPECT_EQ(waiting(WaitReason::kBackendDown), 1U);
  succeed(close);
  succeed(only_work());
  EXPECT_EQ(waiter.state, State::kGranted);
}

TEST_F(BrainReasons, RefusedSlotsAreTheReasonUntilAnOpeningEndsOtherwise) {
  options_.max_connections = 2;
  const ConnectionId id = lease();
  Waiter& first = ask(1h);
  Waiter& second = ask(1h);
  const FailedFacts failed =
      fail_opening(only_work().id, ConnectFailure::kTooManyConnections);
  EXPECT_EQ(waiting(WaitReason::kServerSlots), 2U);
  pass(failed.next_try_in);
  const Work retry = only_work();
  // The retry takes the last place under the limit, yet says nothing new.
  EXPECT_EQ(waiting(WaitReason::kServerSlots), 2U);
  second.deadline = now_;
  EXPECT_TRUE(brain().expire(second, now_));
  EXPECT_EQ(second.failure, AcquireFailure::kServerSlots);
  fail_opening(retry.id, ConnectFailure::kRefused);
  EXPECT_EQ(waiting(WaitReason::kOpening), 1U);
  give_back(id);
  EXPECT_EQ(first.state, State::kGranted);
}

TEST_F(BrainReasons, WithRefusedSlotsACheckIsStillHelp) {
  const ConnectionId one = lease();
  ask(1h);
  fail_opening(only_work().id, ConnectFailure::kTooManyConnections);
  ask(1h);
  give_back(one, ReturnState::kDirty);
  EXPECT_EQ(only_work().kind, WorkKind::kClean);
  EXPECT_EQ(waiting(WaitReason::kOpening), 1U);
  EXPECT_EQ(waiting(WaitReason::kServerSlots), 1U);
}

TEST_F(BrainReasons, DeadSessionsThatAreBeingClosedAreNoExhaustion) {
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  Waiter& waiter = ask(10ms);
  give_back(one, ReturnState::kBroken);
  EXPECT_EQ(waiting(WaitReason::kCapacity), 1U);  // a lease is still out
  give_back(two, ReturnState::kBroken);
  EXPECT_EQ(count(ConnectionState::kClosing), 2U);
  EXPECT_EQ(waiting(WaitReason::kOpening), 1U);
  pass(10ms);
  EXPECT_EQ(waiter.failure, AcquireFailure::kTimeoutOpening);
  EXPECT_EQ(stats().exhausted_time, 0s);
}

TEST_F(BrainReasons, SessionsThatFailedTheirCheckAreNoExhaustion) {
  options_.max_connections = 1;
  give_back(lease());
  now_ += 5s;
  ask(1h);
  const Work check = only_work();
  ask(1h);
  note(brain().checked(check.id, false, now_));
  EXPECT_EQ(waiting(WaitReason::kOpening), 2U);
  succeed(only_work());
  EXPECT_EQ(waiting(WaitReason::kOpening), 2U);
}

TEST_F(BrainReasons, OpeningsThatFillTheLimitAreNoExhaustion) {
  options_.max_connections = 1;
  ask(1h);
  ask(1h);
  EXPECT_EQ(count(ConnectionState::kOpening), 1U);
  EXPECT_EQ(waiting(WaitReason::kOpening), 2U);
  pass(5s);
  EXPECT_EQ(stats().exhausted_time, 0s);
  succeed(only_work());
  EXPECT_EQ(waiting(WaitReason::kCapacity), 1U);  // the first has a lease
}

TEST_F(BrainReasons, ARecycledConnectionThatIsBeingClosedFillsTheLimit) {
  options_.max_connections = 1;
  options_.max_uses = 1;
  const ConnectionId id = lease();
  ask(1h);
  give_back(id);
  EXPECT_EQ(count(ConnectionState::kClosing), 1U);
  EXPECT_EQ(waiting(WaitReason::kCapacity), 1U);
  succeed(only_work());
  EXPECT_EQ(waiting(WaitReason::kOpening), 1U);
}

TEST_F(BrainReasons, ATimeoutAmidRefusedSlotsSaysSo) {
  const ConnectionId id = lease();
  Waiter& waiter = ask(10ms);
  fail_opening(only_work().id, ConnectFailure::kTooManyConnections);
  EXPECT_TRUE(brain().expire(waiter, now_ + 10ms));
  EXPECT_EQ(waiter.failure, AcquireFailure::kServerSlots);
  give_back(id);
}

}  // namespace
}  // namespace dbpool::test
