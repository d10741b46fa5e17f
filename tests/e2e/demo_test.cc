#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <string>

#include "tests/e2e/demo_dir.h"
#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

// The first start makes a database cluster.
constexpr std::chrono::minutes kSwings{5};

class DemoTest : public testing::Test {
 protected:
  ExporterOptions demo(const std::string& speed = "10") const {
    return {.args = {"--demo"},
            .env = {{"TMPDIR", dir_.path()}, {"DBPOOL_DEMO_SPEED", speed}}};
  }

  const DemoDir dir_;
};

bool is_exhausted(const MetricsPage& page) {
  return page.value("dbpool_waiting_requests", {{"reason", "capacity"}}) > 0 &&
         page.value("dbpool_connections", {{"state", "active"}}) == 10;
}

bool is_calm(const MetricsPage& page) {
  return page.sum("dbpool_waiting_requests") == 0 &&
         page.value("dbpool_connections", {{"state", "active"}}) < 5;
}

TEST_F(DemoTest, RunsDryRecoversAndLeavesNothing) {
  Exporter exporter(demo());
  exporter.port();
  EXPECT_EQ(dir_.folders().size(), 1U);
  EXPECT_GT(dir_.processes().size(), 0U);
  EXPECT_TRUE(exporter.eventually_page(is_exhausted, kSwings));
  EXPECT_TRUE(exporter.eventually_page(is_calm, kSwings));
  EXPECT_TRUE(exporter.eventually_page(is_exhausted, kSwings));

  const std::string time = "^[0-9]{2}:[0-9]{2}:[0-9]{2}  ";
  EXPECT_TRUE(exporter.wait_for_log(
      time + "exhausted  10/10 active, [0-9]+ waiting \\(capacity\\), oldest "
             ".* — exhausted [0-9]+ %, [0-9]+ acquires/s, p99 ",
      kSwings));
  EXPECT_TRUE(exporter.wait_for_log(
      time + "calm +[0-4]/10 active, none waiting — ", kSwings));

  EXPECT_EQ(exporter.stop(SIGTERM), 0);
  EXPECT_EQ(dir_.folders().size(), 0U);
  EXPECT_EQ(dir_.processes().size(), 0U);
}

TEST_F(DemoTest, WhatACrashLeavesIsRemovedByTheNextStart) {
  std::set<std::string> left;
  {
    Exporter exporter(demo());
    exporter.port();
    exporter.stop(SIGKILL);
    left = dir_.folders();
    ASSERT_EQ(left.size(), 1U);
    // The database ends by itself.
    EXPECT_TRUE(
        eventually(kLiveness, [&] { return dir_.processes().empty(); }));
  }
  Exporter exporter(demo());
  exporter.port();
  EXPECT_EQ(dir_.folders().size(), 1U);
  EXPECT_NE(dir_.folders(), left);
  EXPECT_EQ(exporter.stop(SIGINT), 0);
  EXPECT_EQ(dir_.folders().size(), 0U);
  EXPECT_EQ(dir_.processes().size(), 0U);
}

TEST_F(DemoTest, TwoDemosDoNotDisturbEachOther) {
  Exporter first(demo());
  first.port();
  Exporter second(demo());
  second.port();
  EXPECT_EQ(dir_.folders().size(), 2U);
  EXPECT_EQ(second.stop(), 0);
  EXPECT_EQ(dir_.folders().size(), 1U);
  EXPECT_TRUE(first.eventually_page(is_exhausted, kSwings));
  EXPECT_EQ(first.stop(), 0);
  EXPECT_EQ(dir_.folders().size(), 0U);
}

}  // namespace
}  // namespace dbpool::test
