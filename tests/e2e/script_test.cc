// Workloads of pgbench's scripts, by the program itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class ScriptTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    write_file(dir_.path() + "/" + name, text);
    return dir_.path() + "/" + name;
  }
  static ExporterOptions options(const std::string& url,
                                 std::vector<std::string> args) {
    args.emplace_back("--workload.clients=2");
    return {.database_url = url, .args = std::move(args)};
  }

  const TempDir dir_;
};

TEST_F(ScriptTest, ARunOfAScriptIsARequestByItsName) {
  const Postgres postgres;
  run_to_end({.program = "pgbench",
              .args = {"-i", "-q", "-s", "1", postgres.url()},
              .env = {},
              .working_dir = {}});
  const std::string transfer =
      file("transfer.sql",
           "\\set aid random(1, 100000 * :scale)\nBEGIN;\n"
           "UPDATE pgbench_accounts SET abalance = abalance + 1\n"
           "  WHERE aid = :aid;\n\\sleep 1 ms\nEND;\n");
  Exporter exporter(
      options(postgres.url(), {"--workload.script=" + transfer + "@2",
                               "--workload.script=builtin:select-only"}));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_workload_requests_total",
                      {{"workload", "transfer"}}) > 100 &&
           page.value("dbpool_workload_requests_total",
                      {{"workload", "select_only"}}) > 20 &&
           page.value("dbpool_queries_total", {{"query", "transfer:3"}}) > 100;
  })) << exporter.page().text();
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.sum("dbpool_workload_failures_total"), 0);
  EXPECT_THAT(page.text(), Not(HasSubstr("UPDATE")));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ScriptTest, AScriptThatBreaksOffIsCountedAndTold) {
  const Postgres postgres;
  const std::string broken =
      file("broken.sql", "SELECT 1;\n\\set a 1 / (:client_id * 0)\n");
  Exporter exporter(options(postgres.url(), {"--workload.script=" + broken}));
  EXPECT_TRUE(exporter.wait_for_log(
      "level=warn msg=\"script failed\" pool=default workload=broken "
      "error=.*broken.sql:2: .*set: division by zero"));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_workload_failures_total",
                      {{"workload", "broken"}, {"reason", "other"}}) > 0;
  }));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ScriptTest, WhatIsNotSupportedStopsTheStartWithLineAndCommand) {
  const std::string shell = file("shell.sql", "SELECT 1;\n\\shell ls\n");
  Exporter exporter(options("postgresql://app@db.example/app",
                            {"--workload.script=" + shell}));
  EXPECT_EQ(exporter.wait(), 2);
  const auto lines = lines_of(exporter.output());
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_THAT(lines[0], AllOf(HasSubstr("--workload.script: "),
                              HasSubstr("shell.sql:2: \\shell: not supported"),
                              HasSubstr("expected one of \\set")));
}

}  // namespace
}  // namespace dbpool::test
