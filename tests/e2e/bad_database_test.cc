// Bad days of the database: whatever is wrong with it, the exporter runs,
// says what is wrong, and recovers by itself.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dbpool/connect.h"
#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Quicker than the defaults, so that the tests need not wait.
const std::vector<std::string> kQuick = {"--probe.connect.interval=500ms",
                                         "--probe.select_1.interval=100ms",
                                         "--probe.server.interval=500ms"};

ExporterOptions quick(const std::string& url,
                      const std::vector<std::string>& more = {}) {
  ExporterOptions options{.database_url = url, .args = kQuick};
  options.args.insert(options.args.end(), more.begin(), more.end());
  return options;
}

bool is_well(Exporter& exporter) {
  const MetricsPage page = exporter.page();
  return page.sum("dbpool_probe_success") == 3 &&
         page.value("dbpool_up") == 1 && exporter.get("/health").status == 200;
}

std::string health_status(Exporter& exporter) {
  return nlohmann::json::parse(exporter.get("/health").body)
      .at("status")
      .get<std::string>();
}

// It runs, is down, and tells `reason` everywhere.
void expect_down(Exporter& exporter, const std::string& reason) {
  EXPECT_TRUE(exporter.eventually_page([&](const MetricsPage& page) {
    return page.value("dbpool_up") == 0 &&
           page.value("dbpool_probe_failures_total",
                      {{"probe", "connect"}, {"reason", reason}}) > 0 &&
           page.value("dbpool_connection_failures_total",
                      {{"reason", reason}}) > 0;
  })) << exporter.page().text();
  EXPECT_TRUE(eventually(
      kLiveness, [&] { return exporter.get("/health").status == 503; }));
  EXPECT_EQ(health_status(exporter), "down");
  EXPECT_EQ(exporter.get("/-/healthy").status, 200);
  EXPECT_EQ(exporter.get("/-/ready").status, 200);
  EXPECT_TRUE(exporter.wait_for_log("level=warn.*reason=" + reason));
}

class BadDatabaseTest : public ::testing::Test {
 protected:
  BadDatabaseTest() { create_planted_role(postgres_); }
  explicit BadDatabaseTest(PostgresOptions options)
      : postgres_(std::move(options)) {
    create_planted_role(postgres_);
  }

  // Pids of the planted role's sessions that ran `query` last.
  std::vector<std::string> pids(const std::string& query) const {
    std::vector<std::string> result;
    for (const auto& row :
         postgres_.sql("SELECT pid FROM pg_stat_activity WHERE usename = '" +
                       std::string(kPlantedUser) + "' AND query LIKE '" +
                       query + "' ORDER BY pid")) {
      result.push_back(row.at(0));
    }
    return result;
  }
  void terminate(const std::string& pid) const {
    postgres_.sql("SELECT pg_terminate_backend(" + pid + ")");
  }

  Postgres postgres_;
};

TEST_F(BadDatabaseTest, AWrongPasswordIsToldAsAuthAndNeverShown) {
  std::string uri = planted_url(postgres_);
  uri.insert(uri.find('@'), "wrong");
  const std::string pairs =
      "host=127.0.0.1 port=" + std::to_string(postgres_.port()) +
      " dbname=postgres user=" + std::string(kPlantedUser) + " password='" +
      std::string(kPlantedPassword) + " wrong'";
  for (const std::string& url : {uri, pairs}) {
    Exporter exporter(quick(url));
    expect_down(exporter, "auth");
    exporter.get("/");
    exporter.get("/stats");
    EXPECT_EQ(exporter.stop(), 0);
  }
}

TEST_F(BadDatabaseTest, AServerWithoutTlsIsToldAsTls) {
  ExporterOptions options = quick(planted_url(postgres_));
  options.env = {{"DB_SSL", "true"}, {"DB_SSL_REJECT_UNAUTHORIZED", "false"}};
  Exporter exporter(options);
  expect_down(exporter, "tls");
}

TEST_F(BadDatabaseTest, ARoleThatMayNotLogInIsToldAsAuth) {
  postgres_.sql("ALTER ROLE " + std::string(kPlantedUser) + " NOLOGIN");
  Exporter exporter(quick(planted_url(postgres_)));
  expect_down(exporter, "auth");
  postgres_.sql("ALTER ROLE " + std::string(kPlantedUser) + " LOGIN");
  EXPECT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
}

TEST_F(BadDatabaseTest, ADatabaseThatIsNotThereIsNamed) {
  Exporter exporter(quick(planted_url(postgres_.port(), "nowhere")));
  expect_down(exporter, "other");
  EXPECT_THAT(exporter.output(), HasSubstr("nowhere"));
  postgres_.sql("CREATE DATABASE nowhere");
  EXPECT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
}

TEST(BadHostTest, AnUnknownHostIsToldAsResolve) {
  Exporter exporter(
      quick("postgresql://planted:" + std::string(kPlantedEncoded) +
            "@no-such-host.invalid/postgres"));
  expect_down(exporter, "resolve");
  EXPECT_THAT(exporter.output(), HasSubstr("no-such-host.invalid"));
}

TEST(BadHostTest, ARefusedPortIsToldAsRefusedAndFailsFast) {
  Exporter exporter(quick(planted_url(free_port()), {"--workload.rate=100"}));
  expect_down(exporter, "refused");
  // Callers fail with the cause, not after the whole deadline of 5 s, and a
  // database that is down is not exhaustion.
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_acquire_failures_total",
                      {{"reason", "backend_down"}}) > 20;
  }));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_exhausted_seconds_total"), 0);
  EXPECT_EQ(page.value("dbpool_acquire_failures_total",
                       {{"reason", "timeout_capacity"}}),
            0);
}

TEST(AbsentDatabaseTest, ItStartsWithoutADatabaseAndRecoversByItself) {
  Postgres postgres;
  create_planted_role(postgres);
  postgres.stop();
  Exporter exporter(quick(planted_url(postgres)));
  expect_down(exporter, "refused");
  postgres.start();
  EXPECT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
  EXPECT_TRUE(exporter.wait_for_log("probe succeeds again"));
  EXPECT_TRUE(exporter.wait_for_log("database connections open again"));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_total_connections") >= 2;  // the floor
  }));
}

TEST(StartingUpTest, AServerThatIsStartingUpIsToldApart) {
  // A standby with nothing to follow accepts no sessions.
  PostgresOptions options;
  options.config = {"hot_standby = off"};
  options.files = {{"standby.signal", ""}};
  options.start = false;
  Postgres postgres(options);
  postgres.launch();
  Exporter exporter(quick(planted_url(postgres)));
  expect_down(exporter, "starting_up");
  postgres.stop(StopMode::kImmediate);
  std::filesystem::remove(postgres.data_dir() + "/standby.signal");
  postgres.start();
  create_planted_role(postgres);
  EXPECT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
}

TEST_F(BadDatabaseTest, ARestartInMidRunIsSurvived) {
  Exporter exporter(quick(planted_url(postgres_), {"--workload.rate=50"}));
  ASSERT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
  // An immediate stop forgets a role that has not reached the disk.
  postgres_.sql("CHECKPOINT");
  postgres_.stop(StopMode::kImmediate);
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_up") == 0 &&
           page.value("dbpool_total_connections") == 0;
  }));
  EXPECT_TRUE(eventually(
      kLiveness, [&] { return exporter.get("/health").status == 503; }));
  postgres_.start();
  EXPECT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
  const double done =
      exporter.page().value("dbpool_workload_requests_total").value_or(0);
  EXPECT_TRUE(exporter.eventually_page([&](const MetricsPage& page) {
    return page.value("dbpool_workload_requests_total") > done + 50;
  }));
}

TEST_F(BadDatabaseTest, ABackendKilledUnderALeaseFailsThatRequestOnly) {
  Exporter exporter(
      quick(planted_url(postgres_),
            {"--workload.clients=1", "--workload.sql=SELECT pg_sleep(3600)"}));
  ASSERT_TRUE(eventually(kLiveness,
                         [&] { return pids("%pg_sleep(3600)%").size() == 1; }));
  const std::string killed = pids("%pg_sleep(3600)%").at(0);
  terminate(killed);
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value(
               "dbpool_query_failures_total",
               {{"query", "workload_1"}, {"reason", "connection_lost"}}) == 1 &&
           page.value("dbpool_connections_closed_total",
                      {{"reason", "broken"}}) == 1;
  })) << exporter.page().text();
  EXPECT_TRUE(eventually(kLiveness, [&] {
    const auto now = pids("%pg_sleep(3600)%");
    return now.size() == 1 && now[0] != killed;
  }));
  EXPECT_EQ(exporter.get("/health").status, 200);
}

TEST_F(BadDatabaseTest, ABackendKilledWhileIdleIsReplacedAtOnce) {
  const ExporterOptions options{.database_url = planted_url(postgres_),
                                .args = {"--probe.select_1.interval=0"},
                                .env = {{"DB_POOL_MIN", "3"}}};
  Exporter exporter(options);
  const auto full = [](const MetricsPage& page) {
    return page.value("dbpool_idle_connections") == 3;
  };
  ASSERT_TRUE(exporter.eventually_page(full));
  // Those of the pool have run nothing yet; the server probe's has.
  for (const std::string& pid : pids("")) terminate(pid);
  EXPECT_TRUE(exporter.eventually_page([&](const MetricsPage& page) {
    return full(page) && page.value("dbpool_connections_opened_total") >= 6 &&
           page.value("dbpool_connections_closed_total",
                      {{"reason", "broken"}}) >= 3;
  })) << exporter.page().text();
}

TEST_F(BadDatabaseTest, AQueryThatNeverEndsIsCancelledOnTheServer) {
  ExporterOptions options =
      quick(planted_url(postgres_),
            {"--workload.clients=2", "--workload.sql=SELECT pg_sleep(3600)"});
  options.env = {{"DB_STATEMENT_TIMEOUT_MS", "200"}};
  Exporter exporter(options);
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_query_failures_total",
                      {{"query", "workload_1"}, {"reason", "timeout"}}) >= 5;
  }));
  // Never more of them on the server than clients that ask.
  EXPECT_LE(std::stoi(postgres_.sql_value(
                "SELECT count(*) FROM pg_stat_activity WHERE state = "
                "'active' AND query LIKE '%pg_sleep(3600)%' AND pid <> "
                "pg_backend_pid()")),
            2);
  EXPECT_EQ(
      exporter.page().value("dbpool_probe_success", {{"probe", "select_1"}}),
      1);
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(BadDatabaseTest, AServerThatAcceptsNoOneIsToldWhileSessionsLive) {
  Exporter exporter(
      quick(planted_url(postgres_), {"--probe.connect.timeout=300ms"}));
  ASSERT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
  postgres_.pause();
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_up") == 0 &&
           page.value("dbpool_probe_failures_total",
                      {{"probe", "connect"}, {"reason", "timeout"}}) > 0 &&
           page.value("dbpool_probe_success", {{"probe", "select_1"}}) == 1;
  }));
  EXPECT_EQ(exporter.get("/health").status, 200);
  postgres_.resume();
  EXPECT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
}

TEST_F(BadDatabaseTest, HealthIsOkAgainLongBeforeTheNextConnectionProbe) {
  postgres_.stop();
  Exporter exporter(
      {.database_url = planted_url(postgres_),
       .args = {"--probe.connect.interval=1h", "--probe.server.interval=1h"}});
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_up") == 0 &&
           page.value("dbpool_probe_success", {{"probe", "server"}}) == 0;
  }));
  ASSERT_EQ(health_status(exporter), "down");
  postgres_.start();
  EXPECT_TRUE(eventually(kLiveness, [&] {
    return health_status(exporter) == "ok";
  })) << exporter.get("/health").body;
}

class FullServerTest : public BadDatabaseTest {
 protected:
  FullServerTest() : BadDatabaseTest(eight_slots()) {}

  static PostgresOptions eight_slots() {
    PostgresOptions options;
    options.config = {"max_connections = 8",
                      "superuser_reserved_connections = 2"};
    return options;
  }

  // Takes slots until none is left for ordinary roles.
  void take_all_slots() {
    const auto target = ConnectionString::parse(planted_url(postgres_));
    ASSERT_TRUE(target);
    for (;;) {
      auto connected = connect(*target);
      if (!connected) {
        ASSERT_EQ(connected.error().connect_failure,
                  ConnectFailure::kTooManyConnections)
            << connected.error().message;
        return;
      }
      taken_.push_back(std::move(connected->connection));
    }
  }

  std::vector<std::unique_ptr<Connection>> taken_;
};

TEST_F(FullServerTest, NoSlotAtTheStartIsToldAndOutlived) {
  take_all_slots();
  Exporter exporter(quick(planted_url(postgres_), {"--workload.rate=20"}));
  expect_down(exporter, "too_many_connections");
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.sum("dbpool_acquire_failures_total",
                    {{"reason", "server_slots"}}) > 0;
  })) << exporter.page().text();
  EXPECT_EQ(exporter.page().value("dbpool_exhausted_seconds_total"), 0);
  taken_.clear();
  EXPECT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
}

TEST_F(FullServerTest, SlotsThatRunOutInMidRunAreNotCalledCapacity) {
  const ExporterOptions options{
      .database_url = planted_url(postgres_),
      .args = {"--workload.clients=4", "--workload.hold=1s",
               "--probe.connect.interval=0", "--probe.server.interval=500ms"},
      .env = {{"DB_POOL_MIN", "2"}, {"DB_POOL_MAX", "8"}}};
  // Six slots are granted: the test takes three, the server probe one, and
  // the pool wants eight.
  const auto target = ConnectionString::parse(planted_url(postgres_));
  ASSERT_TRUE(target);
  for (int i = 0; i < 3; ++i) {
    auto connected = connect(*target);
    ASSERT_TRUE(connected) << connected.error().message;
    taken_.push_back(std::move(connected->connection));
  }
  Exporter exporter(options);
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_waiting_seconds_total",
                      {{"reason", "server_slots"}}) > 0.5;
  })) << exporter.page().text();
  EXPECT_EQ(exporter.page().value("dbpool_exhausted_seconds_total"), 0);
  // The server probe was there before the pool, and sees the slots.
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_server_max_connections") == 8 &&
           page.value("dbpool_server_reserved_connections") == 2 &&
           page.sum("dbpool_server_connections") >= 6;
  })) << exporter.page().text();
}

TEST_F(FullServerTest, TheServerProbeKeepsItsSlotWhenNoneIsLeft) {
  ExporterOptions options = quick(planted_url(postgres_));
  options.env = {{"DB_POOL_MIN", "1"}, {"DB_POOL_MAX", "2"}};
  Exporter exporter(options);
  ASSERT_TRUE(eventually(kLiveness, [&] { return is_well(exporter); }));
  // Again, as the connection probe's own session comes and goes.
  EXPECT_TRUE(eventually(kLiveness, [&] {
    take_all_slots();
    return exporter.page().value("dbpool_up") == 0;
  }));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.sum("dbpool_server_connections") >= 6;
  }));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_server_max_connections"), 8);
  EXPECT_EQ(page.value("dbpool_server_reserved_connections"), 2);
  EXPECT_EQ(page.value("dbpool_probe_success", {{"probe", "server"}}), 1);
}

}  // namespace
}  // namespace dbpool::test
