// Probes that the operator wrote, in this process, against a real PostgreSQL.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dbpool/connect.h"
#include "dbpool/pool.h"
#include "exporter/http/text_page.h"
#include "exporter/probes/custom_probe.h"
#include "exporter/probes/probes.h"
#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

using exporter::CustomProbe;
using exporter::CustomProbeOptions;
using exporter::Probes;
using exporter::ServerRole;
using exporter::TextPage;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Generous, except where the timeout itself is tested.
constexpr Duration kTimeout = std::chrono::seconds(30);

class CustomProbesTest : public ::testing::Test {
 protected:
  CustomProbesTest() {
    PoolOptions options;
    options.max_connections = 1;
    options.min_connections = 0;
    options.acquire_timeout = kTimeout;
    pool_ = std::make_unique<Pool>(
        *Pool::create(*ConnectionString::parse(postgres_.url()), options));
  }

  static CustomProbeOptions asking(std::string sql) {
    CustomProbeOptions options;
    options.name = "mine";
    options.sql = std::move(sql);
    return options;
  }
  static CustomProbeOptions reading(std::string sql) {
    CustomProbeOptions options = asking(std::move(sql));
    options.values = {{"v", {}}};
    return options;
  }
  // "" or the reason, which must be one that the probe declares, and the
  // message.
  std::string failure(CustomProbe& probe, Duration timeout = kTimeout) {
    const auto result = probe.run(timeout, {});
    if (result) return "";
    EXPECT_THAT(probe.reasons(), Contains(result.error().reason));
    return std::string(result.error().reason) + ": " + result.error().message;
  }
  std::string failure(const CustomProbeOptions& options) {
    CustomProbe probe(*pool_, options);
    return failure(probe);
  }
  // column{labels}=value …
  std::string values(const CustomProbeOptions& options) {
    CustomProbe probe(*pool_, options);
    EXPECT_EQ(failure(probe), "");
    std::string text;
    for (const auto& value : probe.values()) {
      text += text.empty() ? "" : " ";
      text += value.column;
      for (const std::string& label : value.labels) text += "/" + label;
      text += "=" + std::to_string(value.value);
    }
    return text;
  }

  const Postgres postgres_;
  std::unique_ptr<Pool> pool_;
};

TEST_F(CustomProbesTest, AStatementThatRunsSucceedsUnderItsOwnName) {
  EXPECT_EQ(failure(asking("SELECT 1")), "");
  const PoolStats stats = pool_->stats();
  ASSERT_EQ(stats.queries.size(), 1U);
  EXPECT_EQ(stats.queries[0].name, "probe_mine");
}

TEST_F(CustomProbesTest, AStatementThatFailsOrHangsIsToldApart) {
  EXPECT_THAT(failure(asking("SELECT nothing")), HasSubstr("server_error: "));
  CustomProbe hanging(*pool_, asking("SELECT pg_sleep(3600)"));
  EXPECT_THAT(failure(hanging, std::chrono::milliseconds(300)),
              HasSubstr("statement_timeout: "));
  const auto lease = pool_->acquire();
  ASSERT_TRUE(lease);
  CustomProbe waiting(*pool_, asking("SELECT 1"));
  EXPECT_THAT(failure(waiting, std::chrono::milliseconds(50)),
              HasSubstr("timeout_capacity: "));
}

TEST_F(CustomProbesTest, ParametersAreSentApartFromTheStatement) {
  CustomProbeOptions options = reading("SELECT $1::int + $2::int AS v");
  options.parameters = {"40", "2"};
  EXPECT_EQ(values(options), "v=42.000000");
  options = asking("SELECT $1::text AS t");
  options.parameters = {"'; DROP TABLE t; --"};
  options.expect = {{"t", "'; DROP TABLE t; --"}};
  EXPECT_EQ(failure(options), "");
}

TEST_F(CustomProbesTest, TheNumberOfRowsMustBeWithinItsBounds) {
  CustomProbeOptions options = asking("SELECT generate_series(1, 3)");
  options.rows = {.min = 3, .max = 3};
  EXPECT_EQ(failure(options), "");
  options.rows = {.min = 4, .max = {}};
  EXPECT_EQ(failure(options), "unexpected: 3 rows; expected at least 4");
  options.rows = {.min = {}, .max = 2};
  EXPECT_EQ(failure(options), "unexpected: 3 rows; expected at most 2");
}

TEST_F(CustomProbesTest, TheFirstRowMustHoldWhatIsExpected) {
  CustomProbeOptions options =
      asking("SELECT 'on' AS a, NULL::text AS b, 's3cret' AS c");
  options.expect = {{"a", "on"}};
  EXPECT_EQ(failure(options), "");
  options.expect = {{"b", ""}};
  EXPECT_THAT(failure(options), HasSubstr("unexpected: column \"b\""));
  options.expect = {{"d", ""}};
  EXPECT_EQ(failure(options), "unexpected: no column \"d\" in the result");
  options.expect = {{"c", "other"}};
  EXPECT_THAT(failure(options),
              AllOf(HasSubstr("unexpected: column \"c\""),
                    Not(HasSubstr("s3cret")), Not(HasSubstr("other"))));
  options = asking("SELECT 1 AS a WHERE false");
  options.expect = {{"a", "1"}};
  EXPECT_EQ(failure(options), "unexpected: no row; expected one");
}

TEST_F(CustomProbesTest, NumericColumnsBecomeValuesAndNullsDoNot) {
  CustomProbeOptions options = asking(
      "SELECT * FROM (VALUES ('x', 1.5, true, NULL::int), ('y', 2, false, 7)) "
      "AS t (l, a, b, c)");
  options.labels = {"l"};
  options.values = {{"a", {}}, {"b", {}}, {"c", {}}};
  EXPECT_EQ(values(options),
            "a/x=1.500000 b/x=1.000000 a/y=2.000000 b/y=0.000000 "
            "c/y=7.000000");
}

TEST_F(CustomProbesTest, WhatIsNoNumberFailsWithoutBeingShown) {
  EXPECT_THAT(failure(reading("SELECT 's3cret' AS v")),
              AllOf(HasSubstr("unexpected: "), Not(HasSubstr("s3cret"))));
  EXPECT_EQ(failure(reading("SELECT 1")),
            "unexpected: no column \"v\" in the result");
}

TEST_F(CustomProbesTest, AValueMustBeWithinItsThresholds) {
  CustomProbeOptions options = reading("SELECT 42.5 AS v");
  options.values["v"] = {.min = 42.5, .max = 42.5};
  EXPECT_EQ(failure(options), "");
  options.values["v"] = {.min = 1, .max = 30};
  EXPECT_EQ(failure(options),
            "unexpected: column \"v\" of row 1 is 42.5; expected at least 1 "
            "and at most 30");
  options.sql = "SELECT NULL::int AS v";
  EXPECT_THAT(failure(options), HasSubstr("unexpected: column \"v\" of row 1 "
                                          "is NULL; expected at least 1"));
  options.sql = "SELECT 'NaN'::float8 AS v";
  EXPECT_THAT(failure(options), HasSubstr("unexpected: "));
}

TEST_F(CustomProbesTest, RowsThatLabelsDoNotTellApartFail) {
  CustomProbeOptions options =
      reading("SELECT 'a' AS l, generate_series(1, 2) AS v");
  EXPECT_THAT(failure(options), HasSubstr("unexpected: row 2 has the labels"));
  options.labels = {"l"};
  EXPECT_THAT(failure(options), HasSubstr("unexpected: row 2 has the labels"));
  // Also where only what was cut off would tell them apart.
  options.sql =
      "SELECT repeat('x', 500) || n AS l, n AS v "
      "FROM generate_series(1, 2) AS n";
  EXPECT_THAT(failure(options), HasSubstr("unexpected: row 2 has the labels"));
}

TEST_F(CustomProbesTest, TheNumberOfValuesIsBounded) {
  CustomProbeOptions options =
      reading("SELECT n AS v, n AS l FROM generate_series(1, 100) AS n");
  options.labels = {"l"};
  CustomProbe probe(*pool_, options);
  EXPECT_EQ(failure(probe), "");
  EXPECT_EQ(probe.values().size(), 100U);
  options.sql = "SELECT n AS v, n AS l FROM generate_series(1, 101) AS n";
  EXPECT_EQ(failure(options), "unexpected: 101 values; expected at most 100");
  options.sql = "SELECT repeat('x', 9000000) AS v, 1 AS l";
  EXPECT_THAT(failure(options), HasSubstr("unexpected: "));
}

TEST_F(CustomProbesTest, AFailedRunTakesTheValuesAway) {
  postgres_.sql("CREATE TABLE t AS SELECT 1 AS v");
  CustomProbe probe(*pool_, reading("SELECT v FROM t"));
  ASSERT_EQ(failure(probe), "");
  ASSERT_EQ(probe.values().size(), 1U);
  postgres_.sql("UPDATE t SET v = 2");
  ASSERT_EQ(failure(probe), "");
  ASSERT_EQ(probe.values().size(), 1U);
  EXPECT_EQ(probe.values()[0].value, 2);
  postgres_.sql("DROP TABLE t");
  EXPECT_NE(failure(probe), "");
  EXPECT_TRUE(probe.values().empty());
}

TEST_F(CustomProbesTest, AServerInTheOtherRoleFails) {
  CustomProbeOptions options = asking("SELECT 1");
  options.role = ServerRole::kPrimary;
  EXPECT_EQ(failure(options), "");
  options.role = ServerRole::kStandby;
  EXPECT_EQ(failure(options),
            "role: the server is a primary; expected a "
            "standby");
}

TEST_F(CustomProbesTest, AStandbyIsToldFromAPrimary) {
  PostgresOptions standby;  // for ever: there is none that it could follow
  standby.config = {"hot_standby = on", "wal_level = replica",
                    "max_wal_senders = 10", "max_connections = 100"};
  standby.files = {{"standby.signal", ""}};
  const Postgres server(standby);
  PoolOptions pool_options;
  pool_options.min_connections = 0;
  auto pool =
      Pool::create(*ConnectionString::parse(server.url()), pool_options);
  CustomProbeOptions options = asking("SELECT 1");
  options.role = ServerRole::kStandby;
  EXPECT_TRUE(CustomProbe(*pool, options).run(kTimeout, {}));
  options.role = ServerRole::kPrimary;
  const auto failed = CustomProbe(*pool, options).run(kTimeout, {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, "role");
  EXPECT_EQ(failed.error().message,
            "the server is a standby; expected a primary");
}

TEST_F(CustomProbesTest, TheFirstRunsAreSpreadAndTheSeedSaysHow) {
  const Duration most = std::chrono::seconds(5);
  const auto offsets = [](std::uint64_t seed, Duration interval) {
    std::vector<Duration> all;
    std::mt19937_64 random(seed);
    for (int i = 0; i < 100; ++i) {
      all.push_back(exporter::first_run_after(interval, random));
    }
    return all;
  };
  const auto some = offsets(1, std::chrono::hours(1));
  EXPECT_EQ(some, offsets(1, std::chrono::hours(1)));
  EXPECT_NE(some, offsets(2, std::chrono::hours(1)));
  EXPECT_LE(std::ranges::max(some), most);
  EXPECT_GE(std::ranges::min(some), Duration::zero());
  EXPECT_GT(std::ranges::max(some) - std::ranges::min(some), most / 2);
  EXPECT_LE(std::ranges::max(offsets(1, most / 10)), most / 10);
}

TEST_F(CustomProbesTest, TheyAreOnThePageWithTheirValuesEscaped) {
  exporter::ProbeOptions options;
  options.custom = {reading("SELECT 'a\"\n' AS l, 1.5 AS v")};
  options.custom[0].labels = {"l"};
  options.custom[0].interval = std::chrono::milliseconds(10);
  Probes probes(*pool_, options, nullptr,
                [](std::string_view, const exporter::ProbeFailure*) {});
  probes.start();
  std::string page;
  ASSERT_TRUE(eventually(kLiveness, [&] {
    TextPage sink;
    probes.tell(sink);
    page = sink.take();
    return page.find("dbpool_probe_value") != std::string::npos;
  }));
  EXPECT_THAT(page, HasSubstr("dbpool_probe_value{pool=\"default\",probe="
                              "\"mine\",column=\"v\",l=\"a\\\"\\n\"} 1.5\n"));
  EXPECT_THAT(page, HasSubstr("dbpool_probe_failures_total{pool=\"default\","
                              "probe=\"mine\",reason=\"unexpected\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("dbpool_probe_success{pool=\"default\","
                              "probe=\"mine\"} 1\n"));
}

}  // namespace
}  // namespace dbpool::test
