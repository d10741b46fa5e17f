#include "exporter/live/live_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace dbpool::exporter {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class LiveFeedTest : public testing::Test {
 protected:
  LiveFeedTest() { pool_.health.stats.name = "default"; }
  json document(const std::string& cursor = "") const {
    return json::parse(feed_.document(cursor).json);
  }
  json shown() const { return document().at("pools").at(0); }

  ConnectionStats& hold(int pid, Duration since) {
    ConnectionStats connection;
    connection.state = ConnectionState::kActive;
    connection.backend_pid = pid;
    connection.in_state = since;
    pool_.connections.push_back(connection);
    return pool_.connections.back();
  }
  static Backend backend(int pid, std::vector<int> blockers) {
    Backend made;
    made.pid = pid;
    made.user = "user of " + std::to_string(pid);
    made.blockers = std::move(blockers);
    return made;
  }
  // The database was asked just now: 1 waits for 2, and 2 for 4711, which is
  // not ours.
  void see_locks() {
    auto view = std::make_shared<DatabaseView>();
    view->backends = {backend(1, {2}), backend(2, {4711}), backend(4711, {})};
    pool_.verdict.database = std::move(view);
    pool_.verdict.asked_at = std::chrono::system_clock::now();
  }
  void report() {
    auto report = std::make_shared<ExhaustionReport>();
    report->number = 3;
    report->verdict.finding = "<i>finding</i>\xff";
    pool_.reports = {std::move(report)};
  }

  LivePool pool_;
  LiveFeed feed_{[this] {
                   return std::vector<LiveFeed::Sampled>{
                       {pool_.health.stats, std::chrono::seconds(5)}};
                 },
                 [this] { return std::vector{pool_}; }};
};

TEST_F(LiveFeedTest, ADocumentGoesOnWhereItsCursorBegins) {
  EXPECT_EQ(document().at("pools").at(0).value("samples", json::array()).size(),
            0U);
  feed_.take_sample();
  feed_.take_sample();
  const json first = document();
  EXPECT_EQ(first.at("pools").at(0).at("samples").size(), 2U);
  feed_.take_sample();
  const json next = document(first.at("cursor"));
  EXPECT_EQ(next.at("pools").at(0).at("samples").size(), 1U);
  EXPECT_EQ(document(next.at("cursor")).at("pools").at(0).at("samples").size(),
            0U);
}

TEST_F(LiveFeedTest, AForeignCursorGetsAllThatIsKept) {
  feed_.take_sample();
  for (const char* cursor : {"17-1", "x", "-1", "99999999999999999999"}) {
    EXPECT_EQ(document(cursor).at("pools").at(0).at("samples").size(), 1U)
        << cursor;
  }
  const std::string own = document().at("cursor");
  for (const std::string& cursor : {own + "0", own + "x"}) {
    EXPECT_EQ(document(cursor).at("pools").at(0).at("samples").size(), 1U)
        << cursor;
  }
}

TEST_F(LiveFeedTest, OfAPoolThatIsGoneNothingIsKept) {
  feed_.take_sample();
  pool_.health.stats.name = "another";
  feed_.take_sample();
  pool_.health.stats.name = "default";
  EXPECT_FALSE(shown().contains("samples"));
  feed_.take_sample();
  EXPECT_EQ(shown().at("samples").size(), 1U);
}

TEST_F(LiveFeedTest, WaitingEndsWithASampleOrTheStop) {
  feed_.start();  // takes the first one
  std::stop_source stop;
  EXPECT_TRUE(feed_.wait_for_sample(0, stop.get_token()));
  EXPECT_TRUE(feed_.wait_for_sample(1, stop.get_token()));
  stop.request_stop();
  EXPECT_FALSE(feed_.wait_for_sample(1'000'000, stop.get_token()));
}

TEST_F(LiveFeedTest, TheBlockedAndTheirBlockersAreMarked) {
  hold(1, std::chrono::seconds(30));
  hold(2, std::chrono::seconds(40));
  hold(3, std::chrono::seconds(5));
  see_locks();
  const json pool = shown();
  const json& holders = pool.at("holders");
  ASSERT_EQ(holders.size(), 3U);
  EXPECT_EQ(holders[0].at("backendPid"), 2) << "held for longest";
  EXPECT_EQ(holders[0].at("blockedBy"), json({4711}));
  EXPECT_EQ(holders[1].at("blockedBy"), json({2}));
  EXPECT_FALSE(holders[2].contains("blockedBy"));
  ASSERT_EQ(pool.at("blockers").size(), 1U);
  EXPECT_EQ(pool.at("blockers")[0].at("user"), "user of 4711");
  EXPECT_TRUE(pool.contains("locksSeenAt"));
}

TEST_F(LiveFeedTest, WhatTheDatabaseSaidOfAnEarlierLeaseIsNotTold) {
  see_locks();
  pool_.verdict.asked_at -= std::chrono::minutes(1);
  hold(1, std::chrono::seconds(30));
  const json pool = shown();
  EXPECT_FALSE(pool.at("holders")[0].contains("blockedBy"));
  EXPECT_TRUE(pool.at("blockers").empty());
}

TEST_F(LiveFeedTest, HoldersAreBounded) {
  for (std::size_t i = 0; i < kShownHolders + 7; ++i) {
    hold(static_cast<int>(i) + 1, std::chrono::seconds(1));
  }
  EXPECT_EQ(shown().at("holders").size(), kShownHolders);
  EXPECT_EQ(shown().at("moreHolders"), 7);
}

TEST_F(LiveFeedTest, WhatOthersNameStaysOneLineOfValidUtf8) {
  pool_.health.stats.name = "<b>\"po'ol\n\xff";
  pool_.health.stats.user = "\xc3(";
  pool_.health.reason = "postgres://app:hunter2@db/x failed\ndata: y";
  pool_.verdict.verdict.finding = "</script>\xff";
  pool_.health.stats.queries.emplace_back().name = "q\xff\r\n";
  hold(1, std::chrono::seconds(1)).tag = "t\xff";
  pool_.connections[0].statement.emplace().text = "SELECT '\xff\n'";
  report();
  feed_.take_sample();
  const std::string text = feed_.document("").json;
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  const json pool = json::parse(text).at("pools").at(0);
  EXPECT_EQ(pool.at("name"), "<b>\"po'ol\n\\xff");
  EXPECT_EQ(pool.at("holders")[0].at("statement").at("text"),
            "SELECT '\\xff\n'");
  EXPECT_EQ(pool.at("reports")[0].at("finding"), "<i>finding</i>\\xff");
  EXPECT_EQ(pool.at("queryNames"), json({"q\\xff\r\n"}));
}

}  // namespace
}  // namespace dbpool::exporter
