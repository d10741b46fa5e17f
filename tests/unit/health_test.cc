#include "exporter/health.h"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <utility>

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kThen{seconds(1000)};
constexpr TimePoint kLater{seconds(1005)};

ProbeStats probe(bool succeeded, TimePoint at, std::string error = "refused") {
  ProbeStats stats;
  stats.succeeded = succeeded;
  stats.finished_at = at;
  stats.last_failure.message = std::move(error);
  return stats;
}

ProbeStats failed_to_connect(TimePoint at) {
  ProbeStats stats = probe(false, at);
  stats.last_failure.kind = ErrorKind::kConnect;
  stats.last_failure.connect_failure = ConnectFailure::kRefused;
  return stats;
}

ProbeStats failed_to_acquire(TimePoint at) {
  ProbeStats stats = probe(false, at, "no connection became free");
  stats.last_failure.kind = ErrorKind::kAcquire;
  stats.last_failure.acquire_failure = AcquireFailure::kTimeoutCapacity;
  return stats;
}

// A pool with two idle connections and all probes well.
HealthFacts well() {
  HealthFacts facts;
  facts.stats.connections = {0, 0, 2, 0, 0};
  facts.stats.total = 2;
  facts.now = kLater + seconds(1);
  facts.connect = probe(true, kThen);
  facts.select = probe(true, kLater);
  facts.server = probe(true, kThen);
  return facts;
}

void wait_for(HealthFacts& facts, WaitReason reason, Duration age) {
  facts.stats.waiting[static_cast<std::size_t>(reason)] = 3;
  facts.stats.waiting_total = 3;
  facts.stats.oldest_waiting_age = age;
}

TEST(HealthTest, AllWellIsOk) {
  const PoolHealth health = judge_health(well());
  EXPECT_EQ(health.status, HealthStatus::kOk);
  EXPECT_EQ(health.reason, "");
}

TEST(HealthTest, WhatIsNotKnownYetIsOk) {
  HealthFacts facts;
  facts.connect = facts.select = facts.server = ProbeStats{};
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kOk);
  EXPECT_EQ(judge_health(HealthFacts{}).status, HealthStatus::kOk);
}

TEST(HealthTest, AProbeOfTheOperatorsThatFailsIsDegraded) {
  HealthFacts facts = well();
  facts.custom = {{"lag", probe(true, kLater)},
                  {"rows", probe(false, kLater, "3 rows")}};
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  EXPECT_EQ(judge_health(facts).reason, "the probe rows fails: 3 rows");
  facts.custom[1].second = failed_to_acquire(kLater);
  facts.stats.acquires += 1;  // granted since
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kOk);
}

TEST(HealthTest, AClosedPoolIsDown) {
  HealthFacts facts = well();
  facts.stats.closed = true;
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDown);
}

TEST(HealthTest, NoConnectionAndAFailedProbeIsDown) {
  HealthFacts facts = well();
  facts.stats.connections = {1, 0, 0, 0, 1};  // neither can serve
  facts.connect = probe(false, kLater, "connection refused");
  facts.select.reset();
  const PoolHealth health = judge_health(facts);
  EXPECT_EQ(health.status, HealthStatus::kDown);
  EXPECT_EQ(health.reason, "connection refused");
}

TEST(HealthTest, NoConnectionAndABackedOffPoolIsDownBeforeAnyProbe) {
  HealthFacts facts;
  facts.stats.backing_off = true;
  facts.stats.last_failure.message = "no such host";
  const PoolHealth health = judge_health(facts);
  EXPECT_EQ(health.status, HealthStatus::kDown);
  EXPECT_EQ(health.reason, "no such host");
}

TEST(HealthTest, AHungDatabaseIsDownThoughConnectionsLive) {
  HealthFacts facts = well();
  facts.connect = probe(false, kThen, "timeout");
  facts.select = probe(false, kLater, "statement timeout");
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDown);
  EXPECT_EQ(judge_health(facts).reason,
            "the probes connect and select_1 fail: timeout");
}

TEST(HealthTest, AnExhaustedPoolOnAServerWithoutSlotsIsNotDown) {
  HealthFacts facts = well();
  facts.stats.connections = {0, 0, 0, 2, 0};
  facts.connect = failed_to_connect(kThen);
  facts.connect->last_failure.connect_failure =
      ConnectFailure::kTooManyConnections;
  facts.select = failed_to_acquire(kLater);
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
}

TEST(HealthTest, APoolThatGoesOnGrantingIsNotDown) {
  HealthFacts facts = well();
  facts.stats.connections = {0, 0, 0, 2, 0};
  facts.connect = failed_to_connect(kThen);
  facts.connect->pool.granted = 7;
  facts.select = failed_to_acquire(kLater);
  facts.select->pool.granted = 7;
  facts.stats.acquires = 7;
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDown);
  facts.stats.acquires = 8;
  facts.select->pool.granted = 8;
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
}

TEST(HealthTest, SessionsThatLiveWhileNoNewOneCanBeHadAreDegraded) {
  for (const auto& [connected, selected] :
       {std::pair(kThen, kLater), std::pair(kLater, kThen)}) {
    HealthFacts facts = well();
    facts.connect = probe(false, connected);
    facts.select = probe(true, selected);
    EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  }
}

TEST(HealthTest, LongWaitsAreDegradedWhateverTheyAreFor) {
  for (const WaitReason reason :
       {WaitReason::kCapacity, WaitReason::kOpening, WaitReason::kBackendDown,
        WaitReason::kServerSlots}) {
    HealthFacts facts = well();
    wait_for(facts, reason, kLongWait - milliseconds(1));
    EXPECT_EQ(judge_health(facts).status, HealthStatus::kOk);
    wait_for(facts, reason, kLongWait);
    EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  }
}

TEST(HealthTest, ALongWaitTellsHowManyWaitAndSinceWhen) {
  const auto reason_for = [](WaitReason reason) {
    HealthFacts facts = well();
    wait_for(facts, reason, milliseconds(2345));
    return judge_health(facts).reason;
  };
  EXPECT_EQ(reason_for(WaitReason::kCapacity),
            "the pool is exhausted: 3 requests wait, the oldest for 2.3 s");
  EXPECT_EQ(reason_for(WaitReason::kServerSlots),
            "the database refuses more connections: 3 requests wait, the "
            "oldest for 2.3 s");
  EXPECT_EQ(reason_for(WaitReason::kBackendDown),
            "the database is down: 3 requests wait, the oldest for 2.3 s");
  EXPECT_EQ(reason_for(WaitReason::kOpening),
            "connections take long to open: 3 requests wait, the oldest for "
            "2.3 s");
}

void fail(AcquireCounts& counts, AcquireFailure failure, std::uint64_t number) {
  counts.failures[static_cast<std::size_t>(failure)] = number;
}

TEST(HealthTest, AcquiresThatFailedLatelyAreDegradedWithTheirNumbers) {
  HealthFacts facts = well();
  facts.recent.acquires = 352;
  fail(facts.recent, AcquireFailure::kTimeoutCapacity, 338);
  fail(facts.recent, AcquireFailure::kQueueFull, 2);
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  EXPECT_EQ(judge_health(facts).reason,
            "340 of 352 acquires failed within the last 10 s: 338 "
            "timeout_capacity, 2 queue_full");
}

TEST(HealthTest, OnlyFailuresOfThePoolsOwnMakingAreDegraded) {
  for (const auto& [failure, status] :
       {std::pair(AcquireFailure::kTimeoutCapacity, HealthStatus::kDegraded),
        std::pair(AcquireFailure::kQueueFull, HealthStatus::kDegraded),
        std::pair(AcquireFailure::kTimeoutOpening, HealthStatus::kDegraded),
        std::pair(AcquireFailure::kServerSlots, HealthStatus::kDegraded),
        std::pair(AcquireFailure::kTimeoutBackendDown, HealthStatus::kOk),
        std::pair(AcquireFailure::kBackendDown, HealthStatus::kOk),
        std::pair(AcquireFailure::kCancelled, HealthStatus::kOk),
        std::pair(AcquireFailure::kClosed, HealthStatus::kOk)}) {
    HealthFacts facts = well();
    facts.recent.acquires = 1;
    fail(facts.recent, failure, 1);
    EXPECT_EQ(judge_health(facts).status, status) << to_string(failure);
  }
}

TEST(HealthTest, APoolThatOpensAgainOutdatesAFailedConnection) {
  HealthFacts facts = well();
  facts.connect = failed_to_connect(kThen);
  facts.server = failed_to_connect(kThen);
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  facts.stats.opened = 1;
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kOk);
  facts.stats.connections = {};  // closed again since they were idle
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kOk);
  facts.stats.connections = {0, 0, 1, 0, 0};
  facts.stats.backing_off = true;  // and fails again since
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
}

TEST(HealthTest, WhatThePoolOpenedBeforeAProbeFailedOutdatesNothing) {
  HealthFacts facts = well();
  facts.stats.opened = 2;
  facts.connect = failed_to_connect(kThen);
  facts.connect->pool.opened = 2;
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
}

TEST(HealthTest, ALeaseGrantedSinceOutdatesAProbeThatGotNone) {
  HealthFacts facts = well();
  facts.select = failed_to_acquire(kThen);
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  facts.stats.acquires = 1;
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kOk);
  facts.select = probe(false, kThen, "permission denied");
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
}

TEST(HealthTest, AStatementOfTheServerProbeThatFailsIsNotOutdated) {
  HealthFacts facts = well();
  facts.server = probe(false, kThen, "permission denied");
  facts.stats.opened = 1;
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
}

TEST(HealthTest, ThePoolsOwnFailureIsNewerThanTheProbes) {
  HealthFacts facts = well();
  facts.stats.connections = {};
  facts.connect = failed_to_connect(kThen);
  facts.stats.backing_off = true;
  facts.stats.last_failure.message = "starting up";
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDown);
  EXPECT_EQ(judge_health(facts).reason, "starting up");
}

TEST(HealthTest, WhileThePoolTriesAgainItsLastFailureIsTheReason) {
  HealthFacts facts = well();
  facts.stats.connections = {1, 0, 0, 0, 0};
  facts.select.reset();
  facts.connect = failed_to_connect(kThen);
  facts.stats.last_failure = {
      .seen = true, .message = "login not allowed", .ago = seconds(2)};
  EXPECT_EQ(judge_health(facts).reason, "login not allowed");
  facts.stats.last_failure.ago = seconds(60);
  EXPECT_EQ(judge_health(facts).reason, "refused");
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDown);
}

TEST(RecentAcquiresTest, WhatTheOldestSampleCountedIsNotRecent) {
  RecentAcquires recent;
  PoolStats stats;
  std::uint64_t& timeouts = stats.acquire_failures[0];
  stats.acquires = 10;
  timeouts = 4;
  for (std::size_t i = 1; i < kRecentSamples; ++i) recent.sample(stats);
  EXPECT_EQ(recent.until(stats).acquires, 10U) << "since the start";
  recent.sample(stats);
  EXPECT_EQ(recent.until(stats).acquires, 0U);
  stats.acquires = 15;
  timeouts = 6;
  EXPECT_EQ(recent.until(stats).acquires, 5U);
  EXPECT_EQ(recent.until(stats).failures[0], 2U);
  for (std::size_t i = 1; i < kRecentSamples; ++i) recent.sample(stats);
  EXPECT_EQ(recent.until(stats).failures[0], 2U);
  recent.sample(stats);
  EXPECT_EQ(recent.until(stats).failures[0], 0U);
}

TEST(RecentAcquiresTest, ASnapshotOlderThanTheSamplesCountsNothing) {
  RecentAcquires recent;
  PoolStats stats;
  stats.acquires = 5;
  for (std::size_t i = 0; i < kRecentSamples; ++i) recent.sample(stats);
  stats.acquires = 3;
  EXPECT_EQ(recent.until(stats).acquires, 0U);
}

TEST(HealthTest, AnyFailingProbeIsDegraded) {
  HealthFacts facts = well();
  facts.select = probe(false, kLater, "permission denied");
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  EXPECT_EQ(judge_health(facts).reason,
            "the probe select_1 fails: permission denied");
  facts = well();
  facts.server = probe(false, kLater);
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  EXPECT_EQ(judge_health(facts).reason, "the probe server fails: refused");
  facts = well();
  facts.connect = probe(false, kLater);
  facts.select->finished_at = kLater + seconds(1);
  EXPECT_EQ(judge_health(facts).reason, "the probe connect fails: refused");
}

}  // namespace
}  // namespace dbpool::exporter
