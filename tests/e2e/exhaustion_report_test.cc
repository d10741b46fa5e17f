// Exhaustion reports of the real program, of a pool that is really exhausted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"
#include "tests/support/pg_session.h"

namespace dbpool::test {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class ExhaustionReportTest : public ::testing::Test {
 protected:
  ExhaustionReportTest() {
    create_planted_role(postgres_);
    postgres_.sql("CREATE TABLE stock (id int)");
    postgres_.sql("GRANT ALL ON stock TO " + std::string(kPlantedUser));
  }

  // Two clients want the one connection.
  ExporterOptions crowded(const std::string& sql) const {
    return {.database_url = planted_url(postgres_),
            .args = {"--workload.sql=" + sql, "--workload.clients=2",
                     "--workload.hold=1h", "--probe.select_1.interval=0",
                     "--diagnosis.threshold=50ms"},
            .env = {{"DB_POOL_MAX", "1"},
                    {"DB_POOL_MIN", "0"},
                    {"DB_CONNECTION_TIMEOUT_MS", "3600000"},
                    {"DB_DRAIN_TIMEOUT_MS", "0"}}};
  }

  static void ask_for_report(Exporter& exporter) {
    HttpRequest post;
    post.method = "POST";
    const HttpResponse response = exporter.get("/debug/report", post);
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, MatchesRegex("report [0-9]+ is being taken; see "
                                            "/debug/pools\\?report=[0-9]+\n"));
  }

  // The first report, once there is one.
  static json first_report(Exporter& exporter) {
    HttpResponse response;
    EXPECT_TRUE(eventually(kLiveness, [&] {
      response = exporter.get("/debug/pools?report=1&format=json");
      return response.status == 200;
    }));
    return json::parse(response.body, nullptr, false);
  }

  const Postgres postgres_;
};

TEST_F(ExhaustionReportTest, ALockHeldByAForeignSessionIsNamedWithItsCure) {
  PgSession migration(postgres_.url() +
                      "&application_name=%3Cscript%3Emigrate");
  migration.execute("BEGIN; LOCK TABLE stock");
  const std::string blocker = postgres_.sql_value(
      "SELECT pid FROM pg_stat_activity WHERE application_name LIKE "
      "'%migrate'");
  Exporter exporter(crowded("take=DELETE FROM stock"));
  json report = first_report(exporter);
  EXPECT_EQ(report.at("number"), 1);
  EXPECT_EQ(report.at("pool").at("waitingRequests"), 1);
  EXPECT_EQ(report.at("pool").at("activeConnections"), 1);
  // On a busy machine the first came before its statement met the lock.
  std::string number = "1";
  ASSERT_TRUE(eventually(kLiveness, [&] {
    if (report.at("backends").size() == 2) return true;
    ask_for_report(exporter);
    const json list =
        json::parse(exporter.get("/debug/pools?format=json").body);
    number = list.at("reports")[0].at("number").dump();
    report = json::parse(
        exporter.get("/debug/pools?format=json&report=" + number).body);
    return false;
  }));
  EXPECT_EQ(report.at("connections")[0].at("tag"), "workload take");
  EXPECT_THAT(report.at("finding").get<std::string>(),
              HasSubstr("1 of 1 connections wait for a lock of PID " + blocker +
                        ", user \"postgres\", application \"<script>migrate\", "
                        "idle in transaction"));
  EXPECT_THAT(report.at("action").get<std::string>(),
              HasSubstr("SELECT pg_terminate_backend(" + blocker +
                        ") (this takes a superuser)"));
  EXPECT_THAT(report.at("ceiling").get<std::string>(),
              HasSubstr("before DB_POOL_MAX (1) is raised"));
  EXPECT_EQ(report.at("backends").size(), 2U);

  EXPECT_TRUE(exporter.wait_for_log("exhaustion report.*report=" + number +
                                    ".*" + blocker));
  EXPECT_TRUE(exporter.wait_for_log(
      "exhaustion report: connection.*tag=.workload take"));
  EXPECT_TRUE(exporter.wait_for_log("exhaustion report: backend.*backend_pid=" +
                                    blocker));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_exhaustion_reports_total") >= 1;
  }));
  const std::string list = exporter.get("/debug/pools").body;
  EXPECT_THAT(list, HasSubstr("href=\"?report=" + number + "\""));
  const std::string page = exporter.get("/debug/pools?report=" + number).body;
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;script&gt;migrate"),
                          HasSubstr("pg_terminate_backend(" + blocker + ")")));
  EXPECT_THAT(list + page, Not(HasSubstr("<script")));

  // Its own advice works.
  postgres_.sql("SELECT pg_terminate_backend(" + blocker + ")");
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& metrics) {
    return metrics.value("dbpool_queries_total", {{"query", "take"}}) >= 1;
  }));
}

TEST_F(ExhaustionReportTest, NoMoreThanOneExtraConnectionIsOpened) {
  Exporter exporter(crowded("SELECT 1"));
  first_report(exporter);
  for (int i = 0; i < 5; ++i) ask_for_report(exporter);
  ASSERT_TRUE(eventually(kLiveness, [&] {
    return exporter.get("/debug/pools?report=2").status == 200;
  }));
  EXPECT_LE(std::stoi(postgres_.sql_value(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name "
                "= 'dbpool_exporter' AND query NOT LIKE ''")),
            3);  // the pool's, the one beside it, a connect probe's
}

TEST_F(ExhaustionReportTest, WithoutPressureThereIsNoneButOnDemand) {
  Exporter exporter({.database_url = planted_url(postgres_)});
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.sum("dbpool_probe_success") == 3;
  }));
  EXPECT_EQ(exporter.get("/debug/report").status, 405);
  EXPECT_EQ(exporter.get("/debug/pools?report=1").status, 404);
  EXPECT_EQ(exporter.get("/debug/pools?report=x").status, 404);
  EXPECT_EQ(exporter.page().value("dbpool_exhaustion_reports_total"), 0);
  ask_for_report(exporter);
  const json report = first_report(exporter);
  EXPECT_EQ(report.at("finding"), "no request waits for a connection");
  EXPECT_EQ(report.at("cause"), "none");
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ExhaustionReportTest, TheLastSixteenAreKept) {
  Exporter exporter({.database_url = planted_url(postgres_)});
  const auto status = [&exporter](int number) {
    return exporter.get("/debug/pools?report=" + std::to_string(number)).status;
  };
  for (int number = 1; number <= 17; ++number) {
    // One a second is taken.
    ASSERT_TRUE(eventually(kLiveness, [&] {
      ask_for_report(exporter);
      return status(number) == 200;
    })) << number;
  }
  const json list = json::parse(exporter.get("/debug/pools?format=json").body);
  ASSERT_EQ(list.at("reports").size(), 16U);
  EXPECT_EQ(status(1), 404);
  const int newest = list.at("reports")[0].at("number").get<int>();
  EXPECT_EQ(status(newest), 200);
  EXPECT_EQ(status(newest - 15), 200);
  EXPECT_EQ(status(newest - 16), 404);
}

TEST_F(ExhaustionReportTest, AQuestionThatHangsDelaysNoShutdown) {
  Exporter exporter({.database_url = planted_url(postgres_),
                     .args = {"--diagnosis.timeout=1m"}});
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.sum("dbpool_probe_success") == 3;
  }));
  PgSession locker(postgres_.url());
  locker.execute("BEGIN; LOCK TABLE pg_authid; SAVEPOINT here");
  ask_for_report(exporter);
  const auto hangs = [&locker] {
    try {
      locker.execute("SELECT 1 / count(*) FROM pg_locks WHERE NOT granted");
      return true;
    } catch (const std::runtime_error&) {  // divided by none
      locker.execute("ROLLBACK TO here");
      return false;
    }
  };
  ASSERT_TRUE(eventually(kLiveness, hangs));
  EXPECT_EQ(exporter.stop(), 0);
}

}  // namespace
}  // namespace dbpool::test
