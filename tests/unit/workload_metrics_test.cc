#include "exporter/workload/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <string>

#include "exporter/metrics/family_sink.h"

namespace dbpool::exporter {
namespace {

using std::chrono::milliseconds;
using testing::UnorderedElementsAre;

Error acquire_error(AcquireFailure failure) {
  Error error;
  error.kind = ErrorKind::kAcquire;
  error.acquire_failure = failure;
  return error;
}

std::string name_of(const Error& error) {
  return std::string(workload_failure_name(workload_failure(error)));
}

TEST(WorkloadMetricsTest, EveryErrorHasOneReasonOfTheClosedSet) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kWorkloadFailureCount; ++i) {
    names.emplace(workload_failure_name(i));
  }
  EXPECT_THAT(names, UnorderedElementsAre(
                         "timeout_capacity", "timeout_opening",
                         "timeout_backend_down", "queue_full", "backend_down",
                         "server_slots", "cancelled", "closed", "timeout",
                         "connection_lost", "server_error", "other"));

  EXPECT_EQ(name_of(acquire_error(AcquireFailure::kQueueFull)), "queue_full");
  Error statement;
  statement.kind = ErrorKind::kStatement;
  statement.statement_failure = StatementFailure::kServerError;
  EXPECT_EQ(name_of(statement), "server_error");
  Error other;
  other.kind = ErrorKind::kResultTooLarge;
  EXPECT_EQ(name_of(other), "other");
  other.kind = ErrorKind::kCancelled;
  EXPECT_EQ(name_of(other), "cancelled");
}

// Series as "name{label=value,…}" → value; histograms by their count.
std::map<std::string, double> series_of(const WorkloadMetrics& source) {
  std::map<std::string, double> series;
  for (const auto& family : metrics::families_of(source)) {
    for (const auto& metric : family.metric) {
      std::string key = family.name + "{";
      for (const auto& label : metric.label) {
        key += label.name + "=" + label.value + ",";
      }
      const bool is_histogram =
          family.type == ::prometheus::MetricType::Histogram;
      series[key + "}"] =
          is_histogram ? static_cast<double>(metric.histogram.sample_count)
                       : metric.counter.value;
    }
  }
  return series;
}

TEST(WorkloadMetricsTest, EverySeriesStartsAtZero) {
  const WorkloadMetrics metrics("p", {"a", "b"});
  const auto series = series_of(metrics);
  EXPECT_EQ(series.size(), 2 * (4 + kWorkloadFailureCount));
  for (const auto& [name, value] : series) EXPECT_EQ(value, 0) << name;
}

TEST(WorkloadMetricsTest, RequestsCountFailedOnesTooAndAgreeWithDurations) {
  WorkloadMetrics metrics("p", {"a", "b"});
  metrics.started(0, milliseconds(1));
  metrics.finished(0, milliseconds(2), std::nullopt);
  metrics.finished(
      0, milliseconds(3),
      workload_failure(acquire_error(AcquireFailure::kTimeoutCapacity)));
  metrics.skipped(1);

  auto series = series_of(metrics);
  const std::string a = "{pool=p,workload=a,";
  EXPECT_EQ(series["dbpool_workload_requests_total" + a + "}"], 2);
  EXPECT_EQ(series["dbpool_workload_duration_seconds" + a + "}"], 2);
  EXPECT_EQ(series["dbpool_workload_lag_seconds" + a + "}"], 1);
  EXPECT_EQ(series["dbpool_workload_failures_total" + a +
                   "reason=timeout_capacity,}"],
            1);
  EXPECT_EQ(series["dbpool_workload_skipped_total{pool=p,workload=b,}"], 1);
  EXPECT_EQ(metrics.total_finished(), 2U);
  EXPECT_EQ(metrics.total_failed(), 1U);
  EXPECT_EQ(metrics.total_skipped(), 1U);
}

}  // namespace
}  // namespace dbpool::exporter
