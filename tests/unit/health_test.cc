#include "exporter/health.h"

#include <gtest/gtest.h>

#include <chrono>

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
  stats.last_error = std::move(error);
  return stats;
}

// A pool with two idle connections and all probes well.
HealthFacts well() {
  HealthFacts facts;
  facts.stats.connections = {0, 0, 2, 0, 0};
  facts.stats.total = 2;
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

TEST(HealthTest, AnyFailingProbeIsDegraded) {
  HealthFacts facts = well();
  facts.select = probe(false, kLater, "permission denied");
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
  EXPECT_EQ(judge_health(facts).reason, "permission denied");
  facts = well();
  facts.server = probe(false, kLater);
  EXPECT_EQ(judge_health(facts).status, HealthStatus::kDegraded);
}

}  // namespace
}  // namespace dbpool::exporter
