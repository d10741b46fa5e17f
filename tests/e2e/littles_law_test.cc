// A workload with a known answer (open loop, fixed hold: M/D/c), as measured
// by a real Prometheus that scrapes only every 15 s. The integrals must agree
// with the histograms, and the load with rate × hold, each within 2 %.
//
// What may differ: the integrals include requests and leases that are still
// under way at the ends of the window, the histograms do not; and a lease is
// held a little longer than asked for, by the time it takes to wake up. Short
// holds make the first small, long ones the second: so there are two
// exporters, side by side.

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/prometheus.h"

namespace dbpool::test {
namespace {

constexpr double kTolerance = 0.02;

class LittlesLawTest : public ::testing::Test {
 protected:
  LittlesLawTest() { create_planted_role(postgres_); }

  // Five connections, loaded to 85 %.
  ExporterOptions load(const std::string& rate, const std::string& hold) {
    return {.database_url = planted_url(postgres_),
            .args = {"--workload.rate=" + rate, "--workload.hold=" + hold,
                     "--probe.select_1.interval=0"},
            .env = {{"DB_POOL_MAX", "5"}, {"DB_POOL_MIN", "5"}}};
  }

  static ScrapeTarget target(const std::string& job, Exporter& exporter) {
    ScrapeTarget scrape;
    scrape.job = job;
    scrape.port = exporter.port();
    scrape.interval = "15s";
    return scrape;
  }

  static double rate(const Prometheus& prometheus, const std::string& metric,
                     const std::string& labels) {
    const auto value =
        prometheus.query_value("sum(rate(" + metric + "{" + labels + "}[2m]))");
    EXPECT_TRUE(value) << metric << " " << labels;
    return value.value_or(NAN);
  }

  static void expect_equal(double one, double other, const char* what) {
    GTEST_LOG_(INFO) << what << ": " << one / other;
    EXPECT_GT(one, 0) << what;
    EXPECT_NEAR(one / other, 1, kTolerance)
        << what << ": " << one << " and " << other;
  }

  const Postgres postgres_;
};

TEST_F(LittlesLawTest, IntegralsHistogramsAndTheOfferedLoadAgree) {
  Exporter brief(load("42.5", "100ms"));
  Exporter slow(load("8.5", "500ms"));
  const Prometheus prometheus({target("brief", brief), target("slow", slow)});
  const auto scrapes = [&](const char* job) {
    return prometheus
        .query_value("count_over_time(dbpool_acquires_total{job=\"" +
                     std::string(job) + "\"}[10m])")
        .value_or(0);
  };
  // Two minutes of window, after a start that is not part of it.
  ASSERT_TRUE(eventually(std::chrono::minutes(10), [&] {
    return scrapes("brief") >= 11 && scrapes("slow") >= 11;
  }));

  const std::string in_brief = "job=\"brief\"";
  const std::string in_slow = "job=\"slow\"";
  expect_equal(rate(prometheus, "dbpool_waiting_seconds_total", in_brief),
               rate(prometheus, "dbpool_acquire_wait_seconds_sum", in_brief),
               "waiting_integral_to_wait_histogram");
  for (const std::string& job : {in_brief, in_slow}) {
    expect_equal(rate(prometheus, "dbpool_connection_seconds_total",
                      job + ",state=\"active\""),
                 rate(prometheus, "dbpool_lease_duration_seconds_sum", job),
                 "active_integral_to_lease_histogram");
  }
  expect_equal(
      rate(prometheus, "dbpool_connection_seconds_total",
           in_slow + ",state=\"active\""),
      rate(prometheus, "dbpool_workload_requests_total", in_slow) * 0.5,
      "load_to_rate_times_hold");
  for (Exporter* exporter : {&brief, &slow}) {
    EXPECT_EQ(exporter->page().sum("dbpool_workload_failures_total"), 0);
    EXPECT_EQ(exporter->stop(), 0);
  }
}

}  // namespace
}  // namespace dbpool::test
