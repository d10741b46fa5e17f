// The brain: who holds the connections, leaks, and who wakes the housekeeper.
#include "tests/unit/brain_fixture.h"

namespace dbpool::test {
namespace {

class BrainLeases : public BrainTest {
 protected:
  std::vector<LeaseFacts> leaks() {
    std::vector<LeaseFacts> out;
    out.reserve(PoolState::kMaxWorkBatch);
    brain().take_leaks(out, now_);
    return out;
  }
};

TEST_F(BrainLeases, ALeaseHeldTooLongIsReportedOnceWithItsTag) {
  options_.leak_threshold = 1min;
  Waiter& waiter = ask(5s, "reports");
  serve();
  EXPECT_EQ(brain().next_deadline(), now_ + 1min);
  pass(1min - 1ns);
  EXPECT_TRUE(leaks().empty());
  EXPECT_EQ(stats().overdue_leases, 0U);
  pass(1ns);
  EXPECT_TRUE(woken_);
  const std::vector<LeaseFacts> reported = leaks();
  ASSERT_EQ(reported.size(), 1U);
  EXPECT_EQ(reported[0].tag.view(), "reports");
  EXPECT_EQ(reported[0].age, 1min);
  EXPECT_EQ(reported[0].backend_pid, 42);
  EXPECT_EQ(stats().overdue_leases, 1U);
  pass(1h);
  EXPECT_TRUE(leaks().empty());
  EXPECT_EQ(stats().leaks_suspected, 1U);
  give_back(waiter.granted);
  EXPECT_EQ(stats().overdue_leases, 0U);
}

TEST_F(BrainLeases, ALeakThatEndsUnseenIsReportedAllTheSame) {
  options_.leak_threshold = 1min;
  const ConnectionId id = lease();
  now_ += 2min;
  EXPECT_EQ(stats().overdue_leases, 1U);
  give_back(id);
  EXPECT_EQ(leaks().size(), 1U);
  EXPECT_EQ(stats().leaks_suspected, 1U);
}

TEST_F(BrainLeases, AReaderSeesAnOverdueLeaseBeforeTheHousekeeperDoes) {
  options_.leak_threshold = 1min;
  lease();
  now_ += 1min - 1ns;
  EXPECT_EQ(stats().overdue_leases, 0U);
  now_ += 1ns;
  EXPECT_EQ(stats().overdue_leases, 1U);
}

TEST_F(BrainLeases, LeasesAreListedLongestFirst) {
  options_.max_connections = 3;
  const ConnectionId one = lease();
  now_ += 1s;
  const ConnectionId two = lease();
  now_ += 1s;
  lease();
  std::array<LeaseFacts, 2> longest;
  ASSERT_EQ(brain().longest_leases(longest, now_), 2U);
  EXPECT_EQ(longest[0].id, one);
  EXPECT_EQ(longest[0].age, 2s);
  EXPECT_EQ(longest[1].id, two);
  EXPECT_EQ(stats().oldest_lease_age, 2s);
  give_back(one);
  EXPECT_EQ(stats().oldest_lease_age, 1s);
  std::array<LeaseFacts, 9> many;
  EXPECT_EQ(brain().longest_leases(many, now_), 2U);
}

TEST_F(BrainLeases, ConnectionsAreListedLeasedOnesFirst) {
  options_.max_connections = 4;
  const ConnectionId idle = lease();
  const ConnectionId one = lease();
  now_ += 1s;
  const Waiter& two = ask(5s, "report");
  serve();
  now_ += 1s;
  give_back(idle);
  ask();  // is lent the idle one
  give_back(idle);
  now_ += 3s;
  std::array<detail::ConnectionFacts, 9> all;
  ASSERT_EQ(brain().connections(all, now_), 3U);
  EXPECT_EQ(all[0].id, one);
  EXPECT_EQ(all[0].in_state, 5s);
  EXPECT_EQ(all[0].tag.view(), "");
  EXPECT_EQ(all[1].id, two.granted);
  EXPECT_EQ(all[1].state, ConnectionState::kActive);
  EXPECT_EQ(all[1].tag.view(), "report");
  EXPECT_EQ(all[1].backend_pid, 42);
  EXPECT_EQ(all[2].id, idle);
  EXPECT_EQ(all[2].state, ConnectionState::kIdle);
  EXPECT_EQ(all[2].in_state, 3s);
  EXPECT_EQ(all[2].age, 5s);
  EXPECT_EQ(all[2].uses, 2U);
  EXPECT_EQ(all[2].tag.view(), "");
  EXPECT_EQ(brain().connections(std::span(all).first(2), now_), 2U);
}

TEST_F(BrainLeases, OneLeaseIsFoundByItsConnection) {
  const Waiter& waiter = ask(5s, "nightly report");
  serve();
  now_ += 2s;
  const auto found = brain().lease(waiter.granted, now_);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tag.view(), "nightly report");
  EXPECT_EQ(found->age, 2s);
  EXPECT_EQ(found->backend_pid, 42);
  give_back(waiter.granted);
  EXPECT_FALSE(brain().lease(waiter.granted, now_));
}

TEST_F(BrainLeases, DurationsOfLeasesAreObserved) {
  const ConnectionId id = lease();
  now_ += 3ms;
  give_back(id);
  EXPECT_EQ(stats().lease_duration.sum, 3ms);
  EXPECT_EQ(stats().lease_duration.count(), 1U);
  EXPECT_DOUBLE_EQ(stats().lease_seconds_squared, 9e-6);
}

TEST_F(BrainLeases, PhasesOfOpeningsAreObserved) {
  ask();
  note(brain().opened(only_work().id,
                      {.backend_pid = 1,
                       .total = 7ms,
                       .phases = {std::nullopt, 1ms, std::nullopt, 5ms}},
                      now_));
  const PoolStats now = stats();
  EXPECT_EQ(now.connect_duration.sum, 7ms);
  EXPECT_EQ(now.connect_phase[0].count(), 0U);
  EXPECT_EQ(now.connect_phase[1].sum, 1ms);
  EXPECT_EQ(now.connect_phase[3].sum, 5ms);
}

TEST_F(BrainLeases, TheLastFailureIsRemembered) {
  EXPECT_FALSE(stats().last_failure.seen);
  ask();
  fail_opening(only_work().id, ConnectFailure::kAuth);
  now_ += 90s;
  EXPECT_TRUE(stats().last_failure.seen);
  EXPECT_EQ(stats().last_failure.reason, ConnectFailure::kAuth);
  EXPECT_EQ(stats().last_failure.ago, 90s);
}

TEST_F(BrainLeases, TheHousekeeperSleepsThroughOrdinaryWork) {
  give_back(lease());
  brain().next_deadline();
  for (int i = 0; i < 10; ++i) {
    now_ += 1ms;
    const Waiter& waiter = ask();
    // The first lease brings the leak timer, the others come later still.
    give_back(waiter.granted);
    EXPECT_FALSE(woken_);
  }
}

TEST_F(BrainLeases, AnEarlierTimerWakesTheHousekeeperOnce) {
  options_.max_connections = 1;
  lease();
  brain().next_deadline();
  ask(2s);
  EXPECT_TRUE(woken_);
  ask(3s);
  EXPECT_FALSE(woken_);
  ask(1s);
  EXPECT_TRUE(woken_);
}

}  // namespace
}  // namespace dbpool::test
