// The pool under more load than it can carry.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dbpool/connect.h"
#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

class LoadTest : public ::testing::Test {
 protected:
  LoadTest() {
    create_planted_role(postgres_);
    postgres_.sql("GRANT CREATE ON DATABASE postgres TO " +
                  std::string(kPlantedUser));
  }

  ExporterOptions options(std::vector<std::string> args,
                          std::map<std::string, std::string> env) const {
    return {.database_url = planted_url(postgres_),
            .args = std::move(args),
            .env = std::move(env)};
  }

  const Postgres postgres_;
};

TEST_F(LoadTest, TenThousandWaitersCostMemoryNotThreads) {
  Exporter exporter(
      options({"--workload.clients=10000", "--workload.hold=50ms"},
              {{"DB_POOL_MAX", "2"}, {"DB_CONNECTION_TIMEOUT_MS", "600000"}}));
  const double threads = exporter.page().value("process_threads").value_or(1e9);
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_waiting_requests", {{"reason", "capacity"}}) >
           9'900;
  })) << exporter.page().text();
  const MetricsPage page = exporter.page();
  EXPECT_LE(page.value("process_threads"), threads + 16);
  EXPECT_LT(page.value("process_resident_memory_bytes"), 300e6);
  EXPECT_GT(page.value("dbpool_waiting_requests_peak"), 9'900);
  EXPECT_GT(page.value("dbpool_exhausted_seconds_total"), 0);
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(LoadTest, AFullQueueFailsAtOnceAndIsCounted) {
  Exporter exporter(options({"--workload.clients=50", "--workload.hold=50ms"},
                            {{"DB_POOL_MAX", "2"}, {"DB_MAX_WAITING", "10"}}));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_acquire_failures_total",
                      {{"reason", "queue_full"}}) > 0 &&
           page.value("dbpool_workload_failures_total",
                      {{"reason", "queue_full"}}) > 0;
  }));
  EXPECT_LE(exporter.page().sum("dbpool_waiting_requests"), 10);
}

TEST_F(LoadTest, APoolOfOneServesEveryone) {
  Exporter exporter(options({"--workload.clients=5"}, {{"DB_POOL_MAX", "1"}}));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    EXPECT_LE(page.value("dbpool_total_connections"), 1);
    return page.value("dbpool_workload_requests_total") > 500 &&
           page.value("dbpool_probe_success", {{"probe", "select_1"}}) == 1;
  }));
  EXPECT_EQ(exporter.page().value("dbpool_connections_opened_total"), 1);
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(LoadTest, StatementsOfTheWorkloadShareConnections) {
  Exporter exporter(options({"--workload.clients=50"},
                            {{"DB_POOL_MAX", "2"}, {"DB_POOL_PIPELINE", "8"}}));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    EXPECT_LE(page.value("dbpool_pipelined_in_flight_statements"), 16);
    return page.value("dbpool_workload_requests_total") > 2'000 &&
           page.value("dbpool_pipelined_wait_seconds_count",
                      {{"outcome", "sent"}}) > 2'000 &&
           page.value("dbpool_probe_success", {{"probe", "select_1"}}) == 1;
  })) << exporter.page().text();
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_pipeline_depth"), 8);
  EXPECT_EQ(page.sum("dbpool_workload_failures_total"), 0);
  EXPECT_EQ(page.value("dbpool_connections_opened_total"), 2);
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(LoadTest, ExhaustionIsToldByReasonAndByHealth) {
  Exporter exporter(options({"--workload.clients=3", "--workload.hold=1h",
                             "--workload.sql=hog=SELECT 1"},
                            {{"DB_POOL_MAX", "2"},
                             {"DB_POOL_MIN", "1"},
                             {"DB_CONNECTION_TIMEOUT_MS", "2500"},
                             {"DB_LEAK_THRESHOLD_MS", "500"},
                             {"DB_DRAIN_TIMEOUT_MS", "100"}}));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_acquire_failures_total",
                      {{"reason", "timeout_capacity"}}) > 0 &&
           page.value("dbpool_overdue_leases") == 2 &&
           page.value("dbpool_leaks_suspected_total") == 2 &&
           page.value("dbpool_exhausted_seconds_total") > 1;
  })) << exporter.page().text();
  EXPECT_TRUE(exporter.wait_for_log("level=warn.*tag=\"workload hog\""));
  EXPECT_TRUE(eventually(kLiveness, [&] {
    return exporter.get("/health").body.find("\"degraded\"") !=
           std::string::npos;
  }));
  EXPECT_EQ(exporter.get("/health").status, 200);
  EXPECT_EQ(exporter.stop(), 1);
}

TEST_F(LoadTest, AcquiresThatFailSoonAreToldByHealthAndInTheLog) {
  Exporter exporter(
      options({"--workload.clients=5", "--workload.hold=1h",
               "--workload.sql=hog=SELECT 1", "--probe.select_1.interval=0"},
              {{"DB_POOL_MAX", "1"},
               {"DB_POOL_MIN", "1"},
               {"DB_CONNECTION_TIMEOUT_MS", "2000"},
               {"DB_DRAIN_TIMEOUT_MS", "100"}}));
  EXPECT_TRUE(eventually(kLiveness, [&] {
    const std::string health = exporter.get("/health").body;
    return health.find("\"degraded\"") != std::string::npos &&
           health.find(" acquires failed within the last 10 s: ") !=
               std::string::npos &&
           health.find(" timeout_capacity") != std::string::npos;
  })) << exporter.get("/health").body;
  EXPECT_TRUE(
      exporter.wait_for_log("level=warn msg=\"acquire failed\" pool=default "
                            "workload=hog reason=timeout_capacity error=.*1 of "
                            "at most 1 connections.*workload hog.*raise "
                            "DB_POOL_MAX only if.* cause=idle_in_transaction "
                            "action=\"nothing in the database helps"));
  EXPECT_EQ(exporter.stop(), 1);
}

TEST_F(LoadTest, APoolThatALockExhaustsRecoversWhenTheLockGoes) {
  auto session = connect(*ConnectionString::parse(planted_url(postgres_)));
  ASSERT_TRUE(session) << session.error().message;
  Connection& locker = *session->connection;
  for (const char* sql :
       {"CREATE SCHEMA AUTHORIZATION CURRENT_USER",
        "CREATE TABLE orders (id int)", "BEGIN", "LOCK TABLE orders"}) {
    const auto done = locker.execute(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  Exporter exporter(options(
      {"--workload.clients=4", "--workload.sql=SELECT count(*) FROM orders"},
      {{"DB_POOL_MAX", "3"}}));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_connections", {{"state", "active"}}) == 3 &&
           page.value("dbpool_waiting_requests", {{"reason", "capacity"}}) > 0;
  }));
  ASSERT_TRUE(locker.execute("ROLLBACK"));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_workload_requests_total") > 500 &&
           page.value("dbpool_probe_success", {{"probe", "select_1"}}) == 1 &&
           page.value("dbpool_oldest_waiting_request_age_seconds") < 1;
  }));
  EXPECT_EQ(exporter.get("/health").status, 200);
}

}  // namespace
}  // namespace dbpool::test
