#include "exporter/live/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::DoubleEq;
using testing::ElementsAre;

// Adds a sample each second of a time of its own.
class HistoryTest : public testing::Test {
 protected:
  void add() {
    now_ += seconds(1);
    wall_ += seconds(1);
    history_.add(stats_, acquire_timeout_, ++number_, now_, wall_);
  }
  Sample latest() const { return history_.since(number_ - 1).at(0); }

  // So many that took 8 ms: in the bucket from 5 to 10.
  static void observe(HistogramSnapshot& histogram, std::uint64_t count) {
    histogram.counts[6] += count;
    histogram.sum += count * milliseconds(8);
  }
  void query(const std::string& name) {
    for (QueryStats& known : stats_.queries) {
      if (known.name == name) return observe(known.duration, 1);
    }
    QueryStats& query = stats_.queries.emplace_back();
    query.name = name;
    observe(query.duration, 1);
  }

  PoolStats stats_;
  Duration acquire_timeout_ = seconds(5);
  History history_;
  TimePoint now_ = TimePoint() + std::chrono::hours(1);
  std::chrono::system_clock::time_point wall_;
  std::uint64_t number_ = 0;
};

TEST_F(HistoryTest, GaugesAreAsTheSnapshotHasThem) {
  stats_.connections = {1, 0, 2, 7, 0};
  stats_.waiting = {3, 1, 0, 0};
  stats_.max_connections = 10;
  stats_.oldest_waiting_age = milliseconds(1500);
  add();
  EXPECT_EQ(latest().connections, stats_.connections);
  EXPECT_EQ(latest().waiting, stats_.waiting);
  EXPECT_EQ(latest().max_connections, 10U);
  EXPECT_EQ(latest().oldest_waiting, 1.5);
  EXPECT_EQ(latest().at, wall_);
}

TEST_F(HistoryTest, WhatWasCountedBeforeTheFirstSampleIsNoRate) {
  stats_.acquires = 1000;
  observe(stats_.wait_granted, 1000);
  query("SELECT");
  add();
  EXPECT_EQ(latest().acquires, 0);
  EXPECT_FALSE(latest().waits);
  EXPECT_FALSE(latest().queries[0]);
}

TEST_F(HistoryTest, RatesAndQuantilesAreThoseSinceTheSampleBefore) {
  stats_.acquires = 1000;
  observe(stats_.wait_granted, 1000);
  add();
  stats_.acquires += 100;
  stats_.acquire_failures[0] += 10;
  observe(stats_.wait_failed, 100);
  now_ += seconds(1);  // so two seconds pass
  add();
  EXPECT_EQ(latest().acquires, 50);
  EXPECT_EQ(latest().failures, 5);
  ASSERT_TRUE(latest().waits);
  EXPECT_THAT(latest().waits->p50, DoubleEq(0.008));
  EXPECT_EQ(latest().waits->longest, 0.010);
  add();
  EXPECT_EQ(latest().acquires, 0);
  EXPECT_FALSE(latest().waits);
}

TEST_F(HistoryTest, NoWaitIsLongerThanTheDeadline) {
  add();
  stats_.wait_granted.counts[14] = 100;  // 2.5 to 5 s
  stats_.wait_granted.sum = 100 * milliseconds(3750);
  stats_.wait_failed.counts[15] = 100;  // 5 to 10 s
  stats_.wait_failed.sum = 100 * milliseconds(5002);
  add();
  EXPECT_EQ(latest().waits->p99, 5);
  EXPECT_EQ(latest().waits->longest, 5);
  EXPECT_LT(latest().waits->p50, 5);
}

TEST_F(HistoryTest, AWaitThatBeganUnderALongerDeadlineIsToldAsLong) {
  stats_.oldest_waiting_age = seconds(7);
  add();
  stats_.wait_failed.counts[15] = 100;
  stats_.wait_failed.sum = 100 * milliseconds(7500);
  add();
  EXPECT_GT(latest().waits->p50, 5);
  EXPECT_EQ(latest().waits->longest, 8);
}

TEST_F(HistoryTest, QueriesBeyondTheFirstFoldIntoOther) {
  for (std::size_t i = 0; i < kHistoryQueries + 3; ++i) {
    query("q" + std::to_string(i));
  }
  query("other");
  add();
  const auto names = history_.query_names();
  ASSERT_EQ(names.size(), kHistoryQueries + 1);
  EXPECT_EQ(names[0], "q0");
  EXPECT_EQ(names.back(), "other");
  query("q1");
  query("q9");
  query("other");
  add();
  EXPECT_FALSE(latest().queries[0]);
  ASSERT_TRUE(latest().queries[1]);
  EXPECT_THAT(latest().queries[1]->mean, DoubleEq(0.008));
  ASSERT_TRUE(latest().queries[kHistoryQueries]);
  EXPECT_THAT(latest().queries[kHistoryQueries]->mean, DoubleEq(0.008));
}

TEST_F(HistoryTest, OtherKeepsItsPlaceWhileThereAreFewNames) {
  query("a");
  query("other");
  add();
  EXPECT_THAT(history_.query_names(),
              ElementsAre("a", "", "", "", "", "", "", "", "other"));
}

TEST_F(HistoryTest, FifteenMinutesAreKept) {
  for (std::size_t i = 0; i < kHistorySamples + 10; ++i) add();
  const std::vector<Sample> all = history_.since(0);
  ASSERT_EQ(all.size(), kHistorySamples);
  EXPECT_EQ(all.front().number, 11U);
  EXPECT_EQ(all.back().number, number_);
  EXPECT_EQ(history_.since(number_ - 3).size(), 3U);
  EXPECT_TRUE(history_.since(number_).empty());
}

}  // namespace
}  // namespace dbpool::exporter
