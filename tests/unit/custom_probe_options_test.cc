// What a custom probe may be told.
#include "exporter/probes/custom_probe_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace dbpool::exporter {
namespace {

using ::testing::HasSubstr;

CustomProbeOptions good() {
  CustomProbeOptions options;
  options.name = "replication_lag";
  options.sql = "SELECT 1 AS lag, 'a' AS who";
  options.values = {{"lag", {.min = {}, .max = 30}}};
  options.labels = {"who"};
  return options;
}

std::string mistake(const CustomProbeOptions& options) {
  const auto result = validate(options);
  return result ? "" : result.error();
}

TEST(CustomProbeOptionsTest, WhatIsWellFormedIsTaken) {
  EXPECT_EQ(mistake(good()), "");
}

TEST(CustomProbeOptionsTest, ANameIsBoundedAndNoneOfTheBuiltInOnes) {
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("1a"), std::string("ä"),
        std::string(61, 'x'), std::string("connect"), std::string("select_1"),
        std::string("server"), std::string("diagnosis")}) {
    CustomProbeOptions options = good();
    options.name = name;
    EXPECT_THAT(mistake(options), HasSubstr("expected a name of up to 60"))
        << name;
  }
}

TEST(CustomProbeOptionsTest, ALabelIsOneThatPrometheusTakesAndIsFree) {
  for (const char* label :
       {"", "a-b", "1a", "__a", "pool", "probe", "column", "a\"b"}) {
    CustomProbeOptions options = good();
    options.labels = {label};
    EXPECT_THAT(mistake(options), HasSubstr("labels: expected columns"))
        << label;
  }
  CustomProbeOptions options = good();
  options.labels = {"a", "b", "a"};
  EXPECT_THAT(mistake(options), HasSubstr("labels: expected each column once"));
  options.labels = {"a", "b", "c", "d", "e", "f"};
  EXPECT_THAT(mistake(options), HasSubstr("labels: expected at most 5"));
  options.labels = {"lag"};
  EXPECT_THAT(mistake(options), HasSubstr("values: \"lag\" is a label, too"));
  options.values.clear();
  EXPECT_THAT(mistake(options), HasSubstr("labels: expected values"));
}

TEST(CustomProbeOptionsTest, BoundsAreTheRightWayUp) {
  CustomProbeOptions options = good();
  options.rows = {.min = 2, .max = 1};
  EXPECT_THAT(mistake(options), HasSubstr("rows: expected min no higher"));
  options = good();
  options.values["lag"] = {.min = 2, .max = 1};
  EXPECT_THAT(mistake(options), HasSubstr("values: \"lag\": expected min"));
  options.values["lag"] = {.min = std::nan(""), .max = 1};
  EXPECT_THAT(mistake(options), HasSubstr("values: \"lag\": expected min"));
}

TEST(CustomProbeOptionsTest, TimesAndStatementsAreThere) {
  CustomProbeOptions options = good();
  options.sql.clear();
  EXPECT_THAT(mistake(options), HasSubstr("sql: expected a statement"));
  options = good();
  options.interval = Duration::zero();
  EXPECT_THAT(mistake(options), HasSubstr("interval: expected a time"));
  options = good();
  options.timeout = std::chrono::hours(25);
  EXPECT_THAT(mistake(options), HasSubstr("timeout: expected a time"));
}

TEST(CustomProbeOptionsTest, NoTwoHaveOneNameAndThereAreFew) {
  std::vector<CustomProbeOptions> probes = {good(), good()};
  EXPECT_EQ(validate(probes).error(),
            "replication_lag: expected each name once");
  probes.clear();
  for (int i = 0; i < 21; ++i) {
    probes.push_back(good());
    probes.back().name = "p" + std::to_string(i);
  }
  EXPECT_EQ(validate(probes).error(), "expected at most 20 probes");
  probes.pop_back();
  EXPECT_TRUE(validate(probes));
}

TEST(BoundsTest, NothingButABoundedNaNIsOutsideOfNone) {
  EXPECT_TRUE(Bounds<double>{}.hold(std::nan("")));
  EXPECT_FALSE((Bounds<double>{.min = 1, .max = {}}.hold(std::nan(""))));
  EXPECT_TRUE((Bounds<double>{.min = 1, .max = 1}.hold(1)));
  EXPECT_FALSE((Bounds<double>{.min = 1, .max = 1}.hold(1.1)));
}

}  // namespace
}  // namespace dbpool::exporter
