// SIGTERM, SIGINT, and what is left at the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ShutdownTest : public ::testing::Test {
 protected:
  ShutdownTest() { create_planted_role(postgres_); }

  // Sessions of the planted role now.
  int sessions() const {
    return std::stoi(postgres_.sql_value(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '" +
        std::string(kPlantedUser) + "'"));
  }
  static bool works(const MetricsPage& page) {
    return page.sum("dbpool_probe_success") == 3;
  }
  static bool holds_a_lease(const MetricsPage& page) {
    // Held for long enough to be the workload's, not a probe's.
    return page.value("dbpool_oldest_lease_age_seconds") > 0.3;
  }

  Postgres postgres_;
};

TEST_F(ShutdownTest, BothSignalsEndItCleanlyWithATerminateForEachSession) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Exporter exporter({.database_url = planted_url(postgres_),
                       .args = {"--workload.rate=100"},
                       .env = {{"DB_POOL_MIN", "2"}, {"DB_POOL_MAX", "2"}}});
    // An opening that is given up amid its login says no Terminate.
    ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
      return works(page) && page.value("dbpool_total_connections") == 2 &&
             page.value("dbpool_connections", {{"state", "opening"}}) == 0;
    }));
    EXPECT_GE(sessions(), 2);
    EXPECT_EQ(exporter.stop(signal), 0);
    EXPECT_TRUE(eventually(kLiveness, [&] { return sessions() == 0; }));
  }
  // The server logs a session that ends without a Terminate.
  EXPECT_THAT(postgres_.log(), Not(HasSubstr("unexpected EOF")));
  EXPECT_THAT(postgres_.log(), Not(HasSubstr("Connection reset")));
}

TEST_F(ShutdownTest, ItEndsWhileTheDatabaseIsAbsent) {
  Exporter exporter({.database_url = planted_url(free_port()),
                     .args = {"--workload.clients=10"}});
  ASSERT_TRUE(exporter.wait_for_log("probe fails"));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ShutdownTest, TheDrainIsSeenAndALeaseThatComesBackIsAwaited) {
  Exporter exporter(
      {.database_url = planted_url(postgres_),
       .args = {"--workload.clients=1", "--workload.sql=SELECT pg_sleep(4)"}});
  ASSERT_TRUE(exporter.eventually_page(holds_a_lease));
  EXPECT_EQ(exporter.get("/-/ready").status, 200);
  exporter.send_signal(SIGTERM);
  EXPECT_TRUE(eventually(
      kLiveness, [&] { return exporter.get("/-/ready").status == 503; }));
  EXPECT_EQ(exporter.get("/-/healthy").status, 200);
  EXPECT_TRUE(holds_a_lease(exporter.page()));
  EXPECT_EQ(exporter.wait(), 0);
}

TEST_F(ShutdownTest, ALeaseThatNeverComesBackIsNamedAndTheExitCodeIsOne) {
  Exporter exporter({.database_url = planted_url(postgres_),
                     .args = {"--workload.clients=1", "--workload.hold=1h",
                              "--workload.sql=forever=SELECT 1"},
                     .env = {{"DB_DRAIN_TIMEOUT_MS", "300"}}});
  ASSERT_TRUE(exporter.eventually_page(holds_a_lease));
  EXPECT_EQ(exporter.stop(), 1);
  EXPECT_THAT(exporter.output(),
              ::testing::ContainsRegex(
                  "level=error.*tag=\"workload forever\".*age_seconds="));
  EXPECT_THAT(exporter.output(), HasSubstr("leases_left=1"));
}

TEST_F(ShutdownTest, ASecondSignalEndsItAtOnce) {
  Exporter exporter({.database_url = planted_url(postgres_),
                     .args = {"--workload.clients=1", "--workload.hold=1h"},
                     .env = {{"DB_DRAIN_TIMEOUT_MS", "3600000"}}});
  ASSERT_TRUE(exporter.eventually_page(holds_a_lease));
  exporter.send_signal(SIGTERM);
  ASSERT_TRUE(exporter.wait_for_log("shutting down"));
  EXPECT_TRUE(exporter.running());
  // Those of the first second are the first one's.
  EXPECT_TRUE(eventually(kLiveness, [&] {
    exporter.send_signal(SIGTERM);
    return !exporter.running();
  }));
  EXPECT_EQ(exporter.wait(), 128 + SIGTERM);
  EXPECT_THAT(exporter.output(), HasSubstr("second signal"));
  EXPECT_THAT(exporter.output(), HasSubstr("signal=SIGTERM"));
}

TEST_F(ShutdownTest, SignalsThatComeTogetherAreOneRequest) {
  Exporter exporter(
      {.database_url = planted_url(postgres_),
       .args = {"--workload.clients=1", "--workload.sql=SELECT pg_sleep(3)"}});
  ASSERT_TRUE(exporter.eventually_page(holds_a_lease));
  // As timeout(1) does: to its child and to the group.
  exporter.send_signal(SIGTERM);
  exporter.send_signal(SIGTERM);
  ASSERT_TRUE(exporter.wait_for_log("shutting down"));
  exporter.send_signal(SIGINT);
  EXPECT_EQ(exporter.wait(), 0) << "the lease was awaited";
  EXPECT_THAT(exporter.output(), Not(HasSubstr("second signal")));
}

TEST_F(ShutdownTest, LeasesAreSaidToBeAwaitedOnlyWhereThereAreAny) {
  Exporter idle({.database_url = planted_url(postgres_),
                 .args = {"--probe.select_1.interval=0"}});
  ASSERT_TRUE(idle.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_idle_connections") == 2;
  }));
  EXPECT_EQ(idle.stop(), 0);
  EXPECT_THAT(idle.output(), HasSubstr("msg=\"shutting down\" signal=SIGTERM"));
  EXPECT_THAT(idle.output(), Not(HasSubstr("waiting for leases")));

  Exporter busy(
      {.database_url = planted_url(postgres_),
       .args = {"--workload.clients=1", "--workload.sql=SELECT pg_sleep(2)"}});
  ASSERT_TRUE(busy.eventually_page(holds_a_lease));
  EXPECT_EQ(busy.stop(), 0);
  EXPECT_THAT(busy.output(),
              HasSubstr("msg=\"waiting for leases\" pool=default leases=1"));
}

// Nobody is left to cancel it, and the server does not look at the client
// while a statement runs.
TEST_F(ShutdownTest, AKilledExporterLeavesNoEndlessStatement) {
  Exporter exporter(
      {.database_url = planted_url(postgres_),
       .args = {"--workload.clients=1", "--workload.sql=SELECT pg_sleep(3600)"},
       .env = {{"DB_STATEMENT_TIMEOUT_MS", "3000"}}});
  const auto sleeping = [&] {
    return postgres_.sql_value(
               "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
               "AND query LIKE 'SELECT pg_sleep%'") == "1";
  };
  ASSERT_TRUE(eventually(kLiveness, sleeping));
  EXPECT_EQ(exporter.stop(SIGKILL), 128 + SIGKILL);
  EXPECT_TRUE(eventually(kLiveness, [&] { return sessions() == 0; }));
}

TEST(ShutdownWithASilentServerTest, AProbeUnderWayDoesNotHoldItUp) {
  // Accepts, and never says a word.
  const int port = free_port();
  const UniqueFd silent = listen_on(port);
  Exporter hanging(
      {.database_url = planted_url(port),
       .args = {"--probe.connect.timeout=5m", "--probe.server.timeout=5m"}});
  EXPECT_TRUE(eventually(
      kLiveness, [&] { return hanging.get("/-/ready").status == 200; }));
  EXPECT_EQ(hanging.stop(), 0);
}

// The sessions of the planted role and whoever would accept more, stopped until
// the end of its scope.
class FrozenServer {
 public:
  explicit FrozenServer(Postgres& postgres) : postgres_(postgres) {
    const std::string pids = postgres.sql_value(
        "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE "
        "usename = '" +
        std::string(kPlantedUser) + "'");
    std::istringstream words(pids);
    for (pid_t pid = 0; words >> pid;) backends_.push_back(pid);
    postgres_.pause();
    send(SIGSTOP);
  }
  ~FrozenServer() {
    send(SIGCONT);
    postgres_.resume();
  }
  FrozenServer(const FrozenServer&) = delete;
  FrozenServer& operator=(const FrozenServer&) = delete;

 private:
  void send(int signal) const {
    for (const pid_t pid : backends_) ::kill(pid, signal);
  }

  Postgres& postgres_;
  std::vector<pid_t> backends_;
};

TEST_F(ShutdownTest, AFrozenDatabaseHoldsUpNeitherProbesNorTheEnd) {
  // Whoever waited for a probe or for the drain would wait for long.
  for (const char* drain : {"0", "3600000"}) {
    Exporter exporter(
        {.database_url = planted_url(postgres_),
         .args = {"--probe.connect.timeout=5m", "--probe.select_1.timeout=5m",
                  "--probe.server.timeout=5m"},
         .env = {{"DB_DRAIN_TIMEOUT_MS", drain}}});
    ASSERT_TRUE(exporter.eventually_page(works));
    const FrozenServer frozen(postgres_);
    // With a lease, or waiting for one while its connection is checked.
    ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
      return holds_a_lease(page) ||
             page.value("dbpool_oldest_waiting_request_age_seconds") > 0.3;
    }));
    EXPECT_EQ(exporter.stop(), 0);
    EXPECT_THAT(exporter.output(), HasSubstr("leases_left=0"));
    EXPECT_THAT(exporter.output(), Not(HasSubstr("left behind")));
    EXPECT_THAT(exporter.output(), Not(HasSubstr("query failed")));
  }
}

}  // namespace
}  // namespace dbpool::test
