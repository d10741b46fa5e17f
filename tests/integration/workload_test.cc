#include "exporter/workload/workload.h"
#include "exporter/metrics/family_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <limits>
#include <map>
#include <string>

#include "tests/integration/pool_fixture.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::eventually;
using test::kPatience;

// "family{label=value,…}" → value; of a histogram its count.
std::map<std::string, double> series_of(const Workload& workload) {
  std::map<std::string, double> series;
  for (const auto& family : metrics::families_of(workload)) {
    const bool is_histogram =
        family.type == ::prometheus::MetricType::Histogram;
    for (const auto& metric : family.metric) {
      std::string key = family.name.substr(16) + "{";  // dbpool_workload_
      for (const auto& label : metric.label) {
        if (label.name != "pool") key += label.value + ",";
      }
      series[key + "}"] =
          is_histogram ? static_cast<double>(metric.histogram.sample_count)
                       : metric.counter.value;
    }
  }
  return series;
}

double failures_of(const Workload& workload, const std::string& reason) {
  return series_of(workload)["failures_total{one," + reason + ",}"];
}

int threads_of_this_process() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    int threads = 0;
    if (word == "Threads:" && status >> threads) return threads;
  }
  return -1;
}

WorkloadOptions one(std::string sql = "SELECT 1") {
  WorkloadOptions options;
  options.statements = {{"one", std::move(sql)}};
  options.seed = 1;
  return options;
}

class WorkloadTest : public test::PoolTest {
 protected:
  static PoolOptions limited(std::uint32_t max_connections) {
    return test::quiet_options(max_connections);
  }
  static std::uint32_t active(const Pool& pool) {
    return test::at(pool.stats().connections, ConnectionState::kActive);
  }
  static bool until_finished(const Workload& workload, std::uint64_t count) {
    return eventually(kPatience, [&] {
      return workload.metrics().total_finished() >= count;
    });
  }
  static bool ended(Workload& workload) {
    return workload.wait(test::in(kPatience));
  }
};

TEST_F(WorkloadTest, ClosedLoopTakesItsStatementsInTurn) {
  Pool pool = this->pool(limited(4));
  WorkloadOptions options = one();
  options.statements.push_back({"two", "SELECT 2"});
  options.clients = 3;
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(until_finished(workload, 200));
  workload.stop();
  ASSERT_TRUE(ended(workload));

  auto series = series_of(workload);
  EXPECT_NEAR(series["requests_total{one,}"], series["requests_total{two,}"],
              options.clients);
  EXPECT_EQ(series["failures_total{one,server_error,}"], 0);
  // A closed loop has no schedule to be behind of.
  EXPECT_EQ(series["lag_seconds{one,}"], 0);
  ASSERT_EQ(pool.stats().queries.size(), 2U);
  EXPECT_EQ(pool.stats().queries[0].name, "one");
  EXPECT_EQ(active(pool), 0U);
}

TEST_F(WorkloadTest, OpenLoopAccountsForEveryArrival) {
  Pool pool = this->pool(limited(1));
  WorkloadOptions options = one();
  options.rate = 400;
  options.max_in_flight = 5;
  options.hold = milliseconds(20);  // at most 50 a second get through
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(until_finished(workload, 50));
  workload.stop();
  ASSERT_TRUE(ended(workload));

  auto series = series_of(workload);
  EXPECT_EQ(series["requests_total{one,}"], series["lag_seconds{one,}"]);
  EXPECT_EQ(series["duration_seconds{one,}"], series["requests_total{one,}"]);
  EXPECT_GT(series["skipped_total{one,}"], series["requests_total{one,}"]);
  EXPECT_EQ(series["requests_total{one,}"],
            static_cast<double>(pool.stats().acquires));
}

TEST_F(WorkloadTest, DurationHoldsTheWaitAndTheLease) {
  Pool pool = this->pool(limited(1));
  WorkloadOptions options = one();
  options.rate = 200;
  options.hold = milliseconds(20);
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(until_finished(workload, 30));
  workload.stop();
  ASSERT_TRUE(ended(workload));

  const PoolStats stats = pool.stats();
  double seconds_spent = 0;
  for (const auto& family : metrics::families_of(workload)) {
    if (family.name != "dbpool_workload_duration_seconds") continue;
    seconds_spent = family.metric.at(0).histogram.sample_sum;
  }
  const std::chrono::duration<double> in_pool =
      stats.wait_granted.sum + stats.wait_failed.sum + stats.lease_duration.sum;
  EXPECT_GE(seconds_spent, in_pool.count());
  EXPECT_GT(stats.wait_granted.sum, seconds(0));
}

TEST_F(WorkloadTest, LeaseIsHeldAsLongAsAskedTheStatementIncluded) {
  Pool pool = this->pool(limited(2));
  WorkloadOptions options = one("SELECT pg_sleep(0.05)");
  options.clients = 2;
  options.hold = milliseconds(150);
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(until_finished(workload, 6));
  workload.stop();
  ASSERT_TRUE(ended(workload));
  const HistogramSnapshot leases = pool.stats().lease_duration;
  EXPECT_GE(leases.sum, leases.count() * milliseconds(150));
  // None was held for the statement and the hold one after the other.
  EXPECT_GT(leases.counts[10], 0U);  // 100 … 250 ms
}

TEST_F(WorkloadTest, LeaseCarriesTheWorkloadsName) {
  PoolOptions with_leaks = limited(1);
  with_leaks.leak_threshold = milliseconds(1);
  Pool pool = this->pool(with_leaks);
  WorkloadOptions options = one();
  options.clients = 1;
  options.hold = seconds(3'600);
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(
      eventually(kPatience, [&] { return sink_->record().leaks.size() == 1; }));
  EXPECT_EQ(sink_->record().leaks[0].tag, "workload one");
}

TEST_F(WorkloadTest, TenThousandClientsWaitWithoutThreads) {
  constexpr std::uint32_t kClients = 10'000;
  PoolOptions wide = limited(2);
  wide.acquire_timeout = std::chrono::minutes(10);
  Pool pool = this->pool(wide);
  WorkloadOptions options = one();
  options.clients = kClients;
  options.hold = milliseconds(5);
  Workload workload(pool, options);
  const int threads_before = threads_of_this_process();
  workload.start();
  EXPECT_TRUE(eventually(kPatience, [&] {
    const PoolStats stats = pool.stats();
    return stats.waiting_total + stats.connections[3] >= kClients - 2 &&
           workload.metrics().total_finished() > 100;
  }));
  EXPECT_LE(threads_of_this_process(), threads_before + 4);
  EXPECT_EQ(workload.metrics().total_failed(), 0U);
  workload.stop();
  ASSERT_TRUE(ended(workload));
  EXPECT_GE(failures_of(workload, "cancelled"), kClients - 2);
  EXPECT_TRUE(pool.close(test::in(kPatience)).clean());
}

TEST_F(WorkloadTest, StopLetsLeasesFinishAndCancelsWhoWaits) {
  Pool pool = this->pool(limited(1));
  WorkloadOptions options = one();
  options.clients = 5;
  options.hold = milliseconds(500);
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(eventually(kPatience, [&] {
    return active(pool) == 1 && pool.stats().waiting_total == 4;
  }));
  workload.stop();
  ASSERT_TRUE(ended(workload));
  EXPECT_EQ(failures_of(workload, "cancelled"), 4);
  EXPECT_EQ(workload.metrics().total_failed(), 4U);
  EXPECT_GE(workload.metrics().total_finished(), 5U);
  EXPECT_EQ(active(pool), 0U);
}

TEST_F(WorkloadTest, StopEndsPausesAtOnce) {
  Pool pool = this->pool(limited(1));
  WorkloadOptions options = one();
  options.clients = 3;
  options.think = std::chrono::hours(1);
  options.rate = 1e-6;
  Workload workload(pool, options);
  workload.start();
  workload.stop();
  EXPECT_TRUE(ended(workload));
}

TEST_F(WorkloadTest, CancelCutsHoldsShort) {
  Pool pool = this->pool(limited(2));
  WorkloadOptions options = one();
  options.clients = 3;
  options.hold = std::chrono::hours(1);
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(eventually(kPatience, [&] { return active(pool) == 2; }));
  workload.stop();
  // As a lease that nobody gives back: closing does not wait for ever.
  EXPECT_FALSE(pool.close(test::in(milliseconds(100))).clean());
  workload.cancel();
  ASSERT_TRUE(ended(workload));
  EXPECT_TRUE(pool.close(test::in(kPatience)).clean());
}

TEST_F(WorkloadTest, CancelEndsStatementsOnTheServer) {
  Pool pool = this->pool(limited(1));
  WorkloadOptions options = one("SELECT pg_sleep(3600)");
  options.clients = 1;
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(eventually(kPatience, [&] {
    return backends("state = 'active' AND query LIKE '%pg_sleep(3600)'") == 1;
  }));
  workload.cancel();
  ASSERT_TRUE(ended(workload));
  EXPECT_EQ(failures_of(workload, "cancelled"), 1);
  EXPECT_TRUE(eventually(kPatience, [&] {
    return backends("query LIKE '%pg_sleep(3600)' AND state = 'active'") == 0;
  }));
}

TEST_F(WorkloadTest, DestroyingItGivesEveryLeaseBack) {
  Pool pool = this->pool(limited(2));
  {
    WorkloadOptions options = one();
    options.clients = 100;
    options.rate = 100;
    options.hold = std::chrono::hours(1);
    Workload workload(pool, options);
    workload.start();
    ASSERT_TRUE(eventually(kPatience, [&] {
      return active(pool) == 2 && pool.stats().waiting_total >= 98;
    }));
  }
  EXPECT_EQ(active(pool), 0U);
  EXPECT_EQ(pool.stats().waiting_total, 0U);
}

TEST_F(WorkloadTest, FailuresThatComeAtOnceDoNotSpin) {
  PoolOptions options = limited(2);
  options.acquire_timeout = seconds(5);
  Pool pool = test::make_pool("host=/nowhere/at/all user=x dbname=x", options);
  WorkloadOptions load = one();
  load.clients = 20;
  Workload workload(pool, load);
  const TimePoint start = Clock::now();
  workload.start();
  ASSERT_TRUE(until_finished(workload, 100));
  workload.stop();
  ASSERT_TRUE(ended(workload));
  const double elapsed =
      std::chrono::duration<double>(Clock::now() - start).count();
  // Seven pauses that grow, then one of half a second at least each time.
  EXPECT_LE(static_cast<double>(workload.metrics().total_finished()),
            20 * (9 + elapsed / 0.5));
  EXPECT_EQ(workload.metrics().total_failed(),
            workload.metrics().total_finished());
  EXPECT_GT(failures_of(workload, "backend_down"), 0);
}

TEST_F(WorkloadTest, RateAndClientsChangeWhileItRuns) {
  Pool pool = this->pool(limited(4));
  WorkloadOptions options = one();
  options.hold = milliseconds(1);
  Workload workload(pool, options);
  workload.start();
  workload.set_rate(500);
  ASSERT_TRUE(until_finished(workload, 50));
  EXPECT_GT(series_of(workload)["lag_seconds{one,}"], 0);

  workload.set_rate(std::numeric_limits<double>::quiet_NaN());  // as 0
  const auto quiet = [&] {
    return active(pool) == 0 && pool.stats().waiting_total == 0;
  };
  ASSERT_TRUE(eventually(kPatience, quiet));

  workload.set_clients(6);
  ASSERT_TRUE(eventually(kPatience, [&] {
    return active(pool) == 4 && pool.stats().waiting_total > 0;
  }));
  workload.set_clients(2);
  EXPECT_TRUE(
      eventually(kPatience, [&] { return pool.stats().waiting_total == 0; }));
  workload.set_clients(0);
  EXPECT_TRUE(eventually(kPatience, quiet));
}

TEST_F(WorkloadTest, WhatTheServerRefusesIsCountedByReason) {
  PoolOptions options = limited(2);
  options.statement_timeout = milliseconds(100);
  Pool pool = this->pool(options);
  WorkloadOptions load = one("SELECT 1/0");
  load.statements.push_back({"slow", "SELECT pg_sleep(60)"});
  load.clients = 2;
  Workload workload(pool, load);
  workload.start();
  ASSERT_TRUE(until_finished(workload, 4));
  workload.stop();
  ASSERT_TRUE(ended(workload));
  auto series = series_of(workload);
  EXPECT_GT(series["failures_total{one,server_error,}"], 0);
  EXPECT_GT(series["failures_total{slow,timeout,}"], 0);
  EXPECT_EQ(series["failures_total{one,server_error,}"] +
                series["failures_total{slow,timeout,}"],
            static_cast<double>(workload.metrics().total_failed()));
}

TEST_F(WorkloadTest, AKilledBackendCostsOneRequestNotTheLoad) {
  Pool pool = this->pool(limited(1));
  WorkloadOptions options = one("SELECT pg_backend_pid(), pg_sleep(0.02)");
  options.clients = 1;
  Workload workload(pool, options);
  workload.start();
  ASSERT_TRUE(until_finished(workload, 2));
  server_.sql(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
      "'" +
      database_ + "' AND backend_type = 'client backend'");
  ASSERT_TRUE(
      until_finished(workload, workload.metrics().total_finished() + 5));
  workload.stop();
  ASSERT_TRUE(ended(workload));
  EXPECT_LE(workload.metrics().total_failed(), 2U);
  EXPECT_EQ(pool.stats().opened, 2U);
}

}  // namespace
}  // namespace dbpool::exporter
