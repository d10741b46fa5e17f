#include "exporter/workload/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace dbpool::exporter {
namespace {

using testing::HasSubstr;

Expected<std::vector<WorkloadStatement>> parse(
    const std::vector<std::string>& given) {
  return parse_workload_statements(given);
}

TEST(WorkloadStatementsTest, SqlWithoutANameIsNumberedByItsPosition) {
  const auto statements = parse({"SELECT 1", "orders=SELECT 2", "SELECT 3"});
  ASSERT_TRUE(statements);
  ASSERT_EQ(statements->size(), 3U);
  EXPECT_EQ((*statements)[0].name, "workload_1");
  EXPECT_EQ((*statements)[1].name, "orders");
  EXPECT_EQ((*statements)[1].sql, "SELECT 2");
  EXPECT_EQ((*statements)[2].name, "workload_3");
}

TEST(WorkloadStatementsTest, AnEqualsSignInsideSqlMakesNoName) {
  const auto statements =
      parse({"SELECT a FROM t WHERE a=1", "=SELECT 1", "1a=SELECT 1"});
  ASSERT_TRUE(statements);
  EXPECT_EQ((*statements)[0].sql, "SELECT a FROM t WHERE a=1");
  EXPECT_EQ((*statements)[1].name, "workload_2");
  EXPECT_EQ((*statements)[2].name, "workload_3");
}

TEST(WorkloadStatementsTest, BlanksAroundNameAndSqlAreTrimmed) {
  const auto statements = parse({"  a= SELECT 1 \n"});
  ASSERT_TRUE(statements);
  EXPECT_EQ((*statements)[0].name, "a");
  EXPECT_EQ((*statements)[0].sql, "SELECT 1");
}

TEST(WorkloadStatementsTest, MissingSqlAndRepeatedNamesAreRefused) {
  EXPECT_THAT(parse({"a="}).error().message, HasSubstr("no SQL"));
  EXPECT_THAT(parse({"  "}).error().message, HasSubstr("no SQL"));
  EXPECT_THAT(parse({}).error().message, HasSubstr("no statement"));
  EXPECT_THAT(parse({"a=SELECT 1", "a=SELECT 2"}).error().message,
              HasSubstr("\"a\""));
  for (const char* taken :
       {"probe_select_1=SELECT 1", "probe_server=SELECT 1"}) {
    EXPECT_THAT(parse({taken}).error().message,
                HasSubstr("is the name of a probe's statement"));
  }
  const std::vector<std::string> long_name(
      1, std::string(51, 'n').append("=SELECT 1"));
  EXPECT_THAT(parse(long_name).error().message,
              HasSubstr("1 to 50 characters"));
  EXPECT_THAT(parse(std::vector<std::string>(51, "SELECT 1")).error().message,
              HasSubstr("at most 50"));
}

WorkloadOptions valid() {
  WorkloadOptions options;
  options.statements = {{"one", "SELECT 1"}};
  return options;
}

TEST(WorkloadOptionsTest, RangesAreChecked) {
  EXPECT_TRUE(validate(valid()));
  const auto refused = [](auto change) {
    WorkloadOptions options = valid();
    change(options);
    return !validate(options).has_value();
  };
  EXPECT_TRUE(refused([](auto& o) { o.clients = 100'001; }));
  EXPECT_TRUE(refused([](auto& o) { o.rate = -1; }));
  EXPECT_TRUE(refused([](auto& o) { o.rate = 1e7; }));
  EXPECT_TRUE(refused([](auto& o) { o.rate = std::nan(""); }));
  EXPECT_TRUE(refused(
      [](auto& o) { o.rate = std::numeric_limits<double>::infinity(); }));
  EXPECT_TRUE(refused([](auto& o) { o.max_in_flight = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.hold = Duration(-1); }));
  EXPECT_TRUE(refused([](auto& o) { o.think = std::chrono::hours(25); }));
  EXPECT_TRUE(refused([](auto& o) { o.statements.clear(); }));
}

}  // namespace
}  // namespace dbpool::exporter
