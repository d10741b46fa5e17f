// The brain: requests and the queue.
#include "tests/unit/brain_fixture.h"

namespace dbpool::test {
namespace {

using State = Waiter::State;

class BrainRequests : public BrainTest {};

TEST_F(BrainRequests, AnIdleConnectionIsLentAtOnce) {
  give_back(lease());
  const Waiter& waiter = ask();
  EXPECT_EQ(waiter.state, State::kGranted);
  EXPECT_EQ(stats().acquires_waited, 1U);  // the first, which was opened for
  EXPECT_EQ(stats().acquires, 2U);
  EXPECT_EQ(stats().wait_granted.counts[0], 2U);
}

TEST_F(BrainRequests, ARequestOpensAConnectionAndGetsIt) {
  const Waiter& waiter = ask();
  EXPECT_EQ(waiter.state, State::kQueued);
  EXPECT_TRUE(woken_);
  EXPECT_EQ(waiting(WaitReason::kOpening), 1U);
  const Work open = only_work();
  EXPECT_EQ(open.kind, WorkKind::kOpen);
  now_ += 30ms;
  succeed(open);
  ASSERT_EQ(finished_, std::vector<Waiter*>{&waiters_[0]});
  EXPECT_EQ(waiter.state, State::kGranted);
  EXPECT_EQ(waiter.granted, open.id);
  EXPECT_EQ(stats().wait_granted.sum, 30ms);
}

TEST_F(BrainRequests, RequestsAreServedFirstInFirstOut) {
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  Waiter& first = ask();
  Waiter& second = ask();
  EXPECT_EQ(waiting(WaitReason::kCapacity), 2U);
  give_back(two);
  EXPECT_EQ(first.granted, two);
  EXPECT_EQ(second.state, State::kQueued);
  give_back(one);
  EXPECT_EQ(second.granted, one);
  EXPECT_EQ(finished_, std::vector<Waiter*>{&second});
}

TEST_F(BrainRequests, ALeaseStaysAtHomeWhereNobodyIsOvertakenByMoreThanAMs) {
  options_.max_connections = 1;
  const ConnectionId id = lease_at(1);
  Waiter& head = ask_at(2);
  now_ += 1ms;
  Waiter& at_home = ask_at(1);
  Waiter& at_home_too = ask_at(1);
  now_ += 1ns;
  Waiter& too_late = ask_at(1);
  give_back(id);
  EXPECT_EQ(finished_, std::vector<Waiter*>{&at_home});
  give_back(id);
  EXPECT_EQ(finished_, std::vector<Waiter*>{&at_home_too});
  give_back(id);
  EXPECT_EQ(finished_, std::vector<Waiter*>{&head});
  give_back(id);
  EXPECT_EQ(finished_, std::vector<Waiter*>{&too_late});
}

TEST_F(BrainRequests, WhoIsNowhereAtHomeIsServedInTurn) {
  options_.max_connections = 1;
  const ConnectionId id = lease();
  Waiter& head = ask_at(2);
  ask();
  give_back(id);
  EXPECT_EQ(finished_, std::vector<Waiter*>{&head});
}

TEST_F(BrainRequests, IdleConnectionsAreLentLastInFirstOut) {
  const ConnectionId one = lease();
  const ConnectionId two = lease();
  give_back(one);
  give_back(two);
  EXPECT_EQ(ask().granted, two);
  EXPECT_EQ(ask().granted, one);
}

TEST_F(BrainRequests, AcquireFailsWhenTheQueueIsFull) {
  options_.max_connections = 1;
  options_.max_waiting_requests = 1;
  lease();
  EXPECT_EQ(ask().state, State::kQueued);
  const Waiter& third = ask();
  EXPECT_EQ(third.state, State::kFailed);
  EXPECT_EQ(third.failure, AcquireFailure::kQueueFull);
  EXPECT_TRUE(finished_.empty());
}

TEST_F(BrainRequests, WhereNobodyMayWaitARefusedRequestStillOpens) {
  options_.max_waiting_requests = 0;
  EXPECT_EQ(ask().failure, AcquireFailure::kQueueFull);
  EXPECT_EQ(ask().state, State::kFailed);
  serve();
  EXPECT_EQ(count(ConnectionState::kIdle), 1U);
  EXPECT_EQ(ask().state, State::kGranted);
}

TEST_F(BrainRequests, WhereNobodyMayWaitAHungCheckIsReplaced) {
  options_.max_waiting_requests = 0;
  ask();
  serve();
  pass(2s);
  EXPECT_EQ(ask().state, State::kFailed);
  EXPECT_EQ(only_work().kind, WorkKind::kCheck);
  pass(1s);
  EXPECT_EQ(ask().state, State::kFailed);
  EXPECT_EQ(only_work().kind, WorkKind::kOpen);
}

TEST_F(BrainRequests, ACancelledRequestLeavesFromTheMiddle) {
  options_.max_connections = 1;
  const ConnectionId id = lease();
  Waiter& first = ask();
  Waiter& second = ask();
  Waiter& third = ask();
  now_ += 10ms;
  EXPECT_TRUE(brain().cancel(second, now_));
  EXPECT_FALSE(brain().cancel(second, now_));
  EXPECT_EQ(second.failure, AcquireFailure::kCancelled);
  EXPECT_EQ(stats().waiting_total, 2U);
  EXPECT_EQ(stats().wait_failed.sum, 10ms);
  give_back(id);
  EXPECT_EQ(first.state, State::kGranted);
  give_back(id);
  EXPECT_EQ(third.state, State::kGranted);
}

TEST_F(BrainRequests, AFinishedRequestCanNeitherExpireNorBeCancelled) {
  Waiter& waiter = ask(1ms);
  serve();
  now_ += 1s;
  EXPECT_FALSE(brain().expire(waiter, now_));
  EXPECT_FALSE(brain().cancel(waiter, now_));
  EXPECT_EQ(waiter.state, State::kGranted);
}

TEST_F(BrainRequests, NothingExpiresBeforeItsDeadline) {
  options_.max_connections = 1;
  lease();
  Waiter& waiter = ask(5ms);
  now_ += 5ms - 1ns;
  EXPECT_FALSE(brain().expire(waiter, now_));
  EXPECT_EQ(waiter.state, State::kQueued);
  now_ += 1ns;
  EXPECT_TRUE(brain().expire(waiter, now_));
  EXPECT_EQ(waiter.failure, AcquireFailure::kTimeoutCapacity);
}

TEST_F(BrainRequests, AdvanceExpiresInTheOrderOfDeadlines) {
  options_.max_connections = 1;
  lease();
  Waiter& patient = ask(20ms);
  Waiter& hasty = ask(10ms);
  Waiter& endless = ask(1h);
  EXPECT_EQ(brain().next_deadline(), now_ + 10ms);
  pass(30ms);
  EXPECT_EQ(finished_, (std::vector<Waiter*>{&hasty, &patient}));
  EXPECT_EQ(endless.state, State::kQueued);
  EXPECT_EQ(stats().acquire_failures[0], 2U);
}

TEST_F(BrainRequests, ATimeoutNamesWhatTheRequestWaitedFor) {
  options_.max_connections = 2;
  lease();
  Waiter& opening = ask(10ms);
  Waiter& capacity = ask(10ms);
  EXPECT_EQ(waiting(WaitReason::kOpening), 1U);
  EXPECT_EQ(waiting(WaitReason::kCapacity), 1U);
  EXPECT_TRUE(brain().expire(capacity, now_ + 10ms));
  EXPECT_TRUE(brain().expire(opening, now_ + 10ms));
  EXPECT_EQ(capacity.failure, AcquireFailure::kTimeoutCapacity);
  EXPECT_EQ(opening.failure, AcquireFailure::kTimeoutOpening);
}

TEST_F(BrainRequests, APassedDeadlineStillTakesAnIdleConnection) {
  give_back(lease());
  EXPECT_EQ(ask(-1s).state, State::kGranted);
}

TEST_F(BrainRequests, CloseFailsAllThatWaitAndAllThatCome) {
  options_.max_connections = 1;
  lease();
  Waiter& first = ask();
  Waiter& second = ask();
  note(brain().close(now_));
  EXPECT_EQ(finished_, (std::vector<Waiter*>{&first, &second}));
  EXPECT_EQ(first.failure, AcquireFailure::kClosed);
  EXPECT_EQ(ask().failure, AcquireFailure::kClosed);
}

TEST_F(BrainRequests, TheIntegralsCountThoseWhoStillWait) {
  options_.max_connections = 1;
  lease();
  ask(1h);
  ask(1h);
  now_ += 3s;
  const PoolStats now = stats();
  EXPECT_EQ(now.waiting_time[0], 6s);
  EXPECT_EQ(now.exhausted_time, 3s);
  EXPECT_EQ(now.max_connection_time, 3s);
  EXPECT_EQ(now.oldest_waiting_age, 3s);
  EXPECT_EQ(now.connection_time[3], 3s);
}

TEST_F(BrainRequests, TheEndOfTheBackoffChangesNoReason) {
  lease();
  ask(1h);
  const Work open = only_work();
  const Duration wait =
      fail_opening(open.id, ConnectFailure::kTooManyConnections).next_try_in;
  now_ += wait + 1s;  // the housekeeper is late
  const PoolStats late = stats();
  EXPECT_EQ(late.waiting_time[3], wait + 1s);
  EXPECT_EQ(late.waiting_time[1], 0s);
}

TEST_F(BrainRequests, ThePeakOutlivesTheQueue) {
  options_.max_connections = 1;
  const ConnectionId id = lease();
  ask();
  ask();
  give_back(id);
  give_back(id);
  EXPECT_EQ(stats().waiting_total, 0U);
  now_ += 59s;
  EXPECT_EQ(stats().waiting_peak, 2U);
  now_ += 3s;
  EXPECT_EQ(stats().waiting_peak, 0U);
}

TEST_F(BrainRequests, AClockThatStepsBackChangesNothing) {
  options_.max_connections = 1;
  lease();
  ask();
  const TimePoint before = now_;
  now_ -= 10s;
  EXPECT_EQ(stats().waiting_time[0], 0s);
  ask();
  now_ = before + 1s;
  EXPECT_EQ(stats().waiting_time[0], 2s);
}

}  // namespace
}  // namespace dbpool::test
