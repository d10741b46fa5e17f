// custom_probes in the file of --config.file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/unit/config_file_fixture.h"

namespace dbpool::exporter {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

// A file whose one pool has the probe `lag` of `keys`, on line 5.
std::string with_probe(const std::string& keys) {
  return with_pool("    custom_probes:\n      lag: {" + keys + "}\n");
}

TEST(ConfigCustomProbesTest, EachKeyIsTaken) {
  const Settings settings = loaded(
      with_probe("sql: 'SELECT $1 AS a', parameters: [x, '${V}', 7], role: "
                 "standby, rows: {min: 1, max: 2}, expect: {a: 'on'}, labels: "
                 "[who], values: {v: {min: -1.5, max: 1e3}, w: }, interval: "
                 "30s, timeout: 250ms"),
      {{"V", "secret"}});
  ASSERT_THAT(settings.pools[0].custom_probes, SizeIs(1));
  const CustomProbeOptions& probe = settings.pools[0].custom_probes[0];
  EXPECT_EQ(probe.name, "lag");
  EXPECT_EQ(probe.sql, "SELECT $1 AS a");
  EXPECT_THAT(probe.parameters, ElementsAre("x", "secret", "7"));
  EXPECT_EQ(probe.role, ServerRole::kStandby);
  EXPECT_EQ(probe.rows.min, 1U);
  EXPECT_EQ(probe.rows.max, 2U);
  EXPECT_THAT(probe.expect, ElementsAre(Pair("a", "on")));
  EXPECT_THAT(probe.labels, ElementsAre("who"));
  ASSERT_THAT(probe.values, SizeIs(2));
  EXPECT_EQ(probe.values.at("v").min, -1.5);
  EXPECT_EQ(probe.values.at("v").max, 1000);
  EXPECT_FALSE(probe.values.at("w").any());
  EXPECT_EQ(probe.interval, std::chrono::seconds(30));
  EXPECT_EQ(probe.timeout, std::chrono::milliseconds(250));
}

TEST(ConfigCustomProbesTest, AStatementIsEnough) {
  const Settings settings = loaded(with_probe("sql: SELECT 1"));
  ASSERT_THAT(settings.pools[0].custom_probes, SizeIs(1));
  EXPECT_EQ(settings.pools[0].custom_probes[0].role, std::nullopt);
  EXPECT_THAT(loaded(with_pool("")).pools[0].custom_probes, IsEmpty());
}

TEST(ConfigCustomProbesTest, AMistakeIsToldWithItsLineAndKey) {
  const std::string at = "pools.yml:5: pools: orders: custom_probes: lag: ";
  EXPECT_EQ(mistake(with_probe("interval: 1s")), at + "sql: expected a "
                                                      "statement");
  EXPECT_THAT(mistake(with_probe("sql: x, interval: 0")),
              HasSubstr(at + "interval=\"0\": expected "));
  EXPECT_THAT(mistake(with_probe("sql: x, timeout: often")),
              HasSubstr(at + "timeout=\"often\": expected "));
  EXPECT_EQ(mistake(with_probe("sql: x, role: master")),
            at + "role=\"master\": expected one of primary, standby");
  EXPECT_EQ(mistake(with_probe("sql: x, rows: {min: -1}")),
            at + "rows: min=\"-1\": expected a whole number");
  for (const std::string number : {"a", "1a", "inf", "nan"}) {
    EXPECT_EQ(mistake(with_probe("sql: x, values: {v: {max: " + number + "}}")),
              at + "values: max=\"" + number + "\": expected a number");
  }
  EXPECT_EQ(mistake(with_probe("sql: x, values: {v: {max: ''}}")),
            at + "values: max: no value was given; expected a number");
  EXPECT_THAT(mistake(with_probe("sql: x, labels: [pool], values: {v: }")),
              HasSubstr(at + "labels: expected columns that are label names"));
  EXPECT_THAT(mistake(with_probe("sql: x, parameters: 1")),
              HasSubstr(at + "parameters: a text was given; expected a list"));
  EXPECT_THAT(mistake(with_probe("sql: x, sqll: y")),
              HasSubstr(at + "unknown key \"sqll\"; the nearest"));
}

TEST(ConfigCustomProbesTest, ANameIsChecked) {
  for (const std::string name : {"connect", "select_1", "a b", "1a"}) {
    EXPECT_THAT(mistake(with_pool("    custom_probes: {'" + name +
                                  "': {sql: SELECT 1}}\n")),
                HasSubstr("pools.yml:4: pools: orders: custom_probes: \"" +
                          name + "\": expected a name of up to 60"));
  }
}

TEST(ConfigCustomProbesTest, ThereAreFew) {
  std::string all = "    custom_probes:\n";
  for (int i = 0; i < 21; ++i) {
    all += "      p" + std::to_string(i) + ": {sql: SELECT 1}\n";
  }
  EXPECT_THAT(mistake(with_pool(all)), HasSubstr("expected at most 20 probes"));
}

TEST(ConfigCustomProbesTest, ASecretIsInNoMistake) {
  for (const char* keys :
       {"sql: x, role: '${PW}'", "sql: x, interval: '${PW}'",
        "sql: x, rows: {min: '${PW}'}", "sql: x, labels: ['${PW}']",
        "sql: x, values: {v: {min: '${PW}'}}"}) {
    EXPECT_THAT(
        mistake(with_probe(keys), {{"PW", "s3cret"}}),
        AllOf(HasSubstr(": custom_probes: lag: "), Not(HasSubstr("s3cret"))))
        << keys;
  }
}

TEST(ConfigCustomProbesTest, AColumnsNameIsShownInOneLineAndRedacted) {
  for (const char* more : {"values: {\"password=s3cret\\nx\": {mim: 1}}",
                           "values: {\"password=s3cret\\nx\": [1]}",
                           "expect: {\"password=s3cret\\nx\": [1]}",
                           "values: {'postgres://u:s3cret@h/d': {min: {}}}"}) {
    EXPECT_THAT(mistake(with_probe(std::string("sql: x, ") + more)),
                Not(AnyOf(HasSubstr("s3cret"), HasSubstr("\n"))));
  }
}

}  // namespace
}  // namespace dbpool::exporter
