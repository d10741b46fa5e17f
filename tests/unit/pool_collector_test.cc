#include "dbpool/prometheus/pool_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace dbpool::prometheus {
namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;
using ::prometheus::MetricType;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using LabelMap = std::map<std::string, std::string>;

LabelMap labels_of(const ClientMetric& metric) {
  LabelMap labels;
  for (const auto& label : metric.label) {
    EXPECT_TRUE(labels.emplace(label.name, label.value).second);
  }
  return labels;
}

// The families of one collection, by name.
class Collected {
 public:
  explicit Collected(const PoolStats& stats,
                     PoolKind kind = PoolKind::kEmbedded) {
    PoolCollector collector([stats] { return stats; }, kind);
    for (MetricFamily& family : collector.Collect()) {
      const std::string name = family.name;
      EXPECT_TRUE(families_.emplace(name, std::move(family)).second) << name;
    }
  }

  const std::map<std::string, MetricFamily>& families() const {
    return families_;
  }
  bool has(const std::string& name) const { return families_.contains(name); }
  const MetricFamily& family(const std::string& name) const {
    return families_.at(name);
  }
  const ClientMetric& series(const std::string& name, LabelMap labels) const {
    labels.emplace("pool", "default");
    for (const ClientMetric& metric : family(name).metric) {
      if (labels_of(metric) == labels) return metric;
    }
    ADD_FAILURE() << "no such series of " << name;
    return family(name).metric.front();
  }
  double value(const std::string& name, const LabelMap& labels = {}) const {
    const ClientMetric& metric = series(name, labels);
    return family(name).type == MetricType::Counter ? metric.counter.value
                                                    : metric.gauge.value;
  }
  std::set<std::string> values_of(const std::string& name,
                                  const std::string& label) const {
    std::set<std::string> values;
    for (const ClientMetric& metric : family(name).metric) {
      values.insert(labels_of(metric).at(label));
    }
    return values;
  }

 private:
  std::map<std::string, MetricFamily> families_;
};

PoolStats fresh() {
  PoolStats stats;
  stats.name = "default";
  return stats;
}

TEST(PoolCollectorTest, EverySeriesOfAFreshPoolIsZeroAndCarriesThePool) {
  const Collected page(fresh());
  EXPECT_THAT(page.families(), SizeIs(28));
  for (const auto& [name, family] : page.families()) {
    EXPECT_FALSE(family.metric.empty()) << name;
    EXPECT_FALSE(family.help.empty()) << name;
    for (const ClientMetric& metric : family.metric) {
      EXPECT_EQ(labels_of(metric).at("pool"), "default") << name;
      if (name == "dbpool_pool_info") continue;
      EXPECT_EQ(metric.counter.value, 0) << name;
      EXPECT_EQ(metric.gauge.value, 0) << name;
      EXPECT_EQ(metric.histogram.sample_count, 0U) << name;
    }
  }
}

TEST(PoolCollectorTest, ClosedLabelSetsAreThereFromTheStart) {
  const Collected page(fresh());
  for (const char* name :
       {"dbpool_waiting_requests", "dbpool_waiting_seconds_total"}) {
    EXPECT_THAT(page.values_of(name, "reason"),
                UnorderedElementsAre("capacity", "opening", "backend_down",
                                     "server_slots"));
  }
  for (const char* name :
       {"dbpool_connections", "dbpool_connection_seconds_total"}) {
    EXPECT_THAT(page.values_of(name, "state"),
                UnorderedElementsAre("opening", "checking", "idle", "active",
                                     "closing"));
  }
  EXPECT_THAT(
      page.values_of("dbpool_acquire_failures_total", "reason"),
      UnorderedElementsAre("timeout_capacity", "timeout_opening",
                           "timeout_backend_down", "queue_full", "backend_down",
                           "server_slots", "cancelled", "closed"));
  EXPECT_THAT(
      page.values_of("dbpool_connection_failures_total", "reason"),
      UnorderedElementsAre("resolve", "refused", "timeout", "tls", "auth",
                           "too_many_connections", "starting_up", "other"));
  EXPECT_THAT(page.values_of("dbpool_connections_closed_total", "reason"),
              UnorderedElementsAre("idle_timeout", "max_uses", "max_lifetime",
                                   "broken", "check_failed", "dirty", "resize",
                                   "drain", "reload"));
  EXPECT_THAT(page.values_of("dbpool_acquire_wait_seconds", "outcome"),
              UnorderedElementsAre("granted", "failed"));
  EXPECT_THAT(page.values_of("dbpool_connect_phase_duration_seconds", "phase"),
              UnorderedElementsAre("resolve", "tcp", "tls", "auth"));
}

TEST(PoolCollectorTest, GaugesAndCountersCarryTheSnapshot) {
  PoolStats stats = fresh();
  stats.connections = {1, 2, 3, 4, 5};
  stats.total = 15;
  stats.waiting = {7, 8, 0, 9};
  stats.waiting_total = 24;
  stats.max_connections = 20;
  stats.oldest_lease_age = milliseconds(1500);
  stats.waiting_time = {seconds(10), seconds(0), milliseconds(250), {}};
  stats.acquire_failures[3] = 11;
  stats.closed_by_reason[7] = 12;
  const Collected page(stats);
  EXPECT_EQ(page.value("dbpool_total_connections"), 15);
  EXPECT_EQ(page.value("dbpool_idle_connections"), 3);
  EXPECT_EQ(page.value("dbpool_connections", {{"state", "closing"}}), 5);
  EXPECT_EQ(page.value("dbpool_waiting_requests", {{"reason", "opening"}}), 8);
  EXPECT_EQ(page.value("dbpool_max_connections"), 20);
  EXPECT_EQ(page.value("dbpool_oldest_lease_age_seconds"), 1.5);
  EXPECT_EQ(
      page.value("dbpool_waiting_seconds_total", {{"reason", "backend_down"}}),
      0.25);
  EXPECT_EQ(
      page.value("dbpool_acquire_failures_total", {{"reason", "queue_full"}}),
      11);
  EXPECT_EQ(
      page.value("dbpool_connections_closed_total", {{"reason", "drain"}}), 12);
}

TEST(PoolCollectorTest, HistogramsAreCumulativeAndEndWithInfinity) {
  PoolStats stats = fresh();
  stats.lease_duration.counts[0] = 2;
  stats.lease_duration.counts[3] = 3;
  stats.lease_duration.counts.back() = 1;
  stats.lease_duration.sum = milliseconds(61'250);
  const Collected page(stats);
  const auto& histogram =
      page.series("dbpool_lease_duration_seconds", {}).histogram;
  EXPECT_EQ(histogram.sample_count, 6U);
  EXPECT_EQ(histogram.sample_sum, 61.25);
  ASSERT_THAT(histogram.bucket, SizeIs(kLatencyBoundsNs.size() + 1));
  EXPECT_EQ(histogram.bucket[0].upper_bound, 0.0001);
  EXPECT_EQ(histogram.bucket[0].cumulative_count, 2U);
  EXPECT_EQ(histogram.bucket[3].upper_bound, 0.001);
  EXPECT_EQ(histogram.bucket[3].cumulative_count, 5U);
  EXPECT_EQ(histogram.bucket[17].upper_bound, 60);
  EXPECT_EQ(histogram.bucket[17].cumulative_count, 5U);
  EXPECT_TRUE(std::isinf(histogram.bucket[18].upper_bound));
  EXPECT_EQ(histogram.bucket[18].cumulative_count, 6U);
}

TEST(PoolCollectorTest, QueriesAppearWhenTheirNameWasSeen) {
  EXPECT_FALSE(Collected(fresh()).has("dbpool_queries_total"));
  PoolStats stats = fresh();
  QueryStats query;
  query.name = "orders";
  query.total = 5;
  query.failures = {1, 0, 2};
  query.duration.counts[1] = 5;
  stats.queries.push_back(query);
  const Collected page(stats);
  const LabelMap labels{{"query", "orders"}};
  EXPECT_EQ(page.value("dbpool_queries_total", labels), 5);
  EXPECT_EQ(page.value("dbpool_query_failures_total",
                       {{"query", "orders"}, {"reason", "server_error"}}),
            2);
  EXPECT_EQ(page.value("dbpool_query_failures_total",
                       {{"query", "orders"}, {"reason", "connection_lost"}}),
            0);
  EXPECT_EQ(page.series("dbpool_query_duration_seconds", labels)
                .histogram.sample_count,
            5U);
}

TEST(PoolCollectorTest, PoolInfoTellsWhereAndOfWhichKind) {
  PoolStats stats = fresh();
  stats.host = "db.example";
  stats.port = "5432";
  stats.database = "orders";
  stats.user = "app";
  const LabelMap expected{{"pool", "default"}, {"host", "db.example"},
                          {"port", "5432"},    {"database", "orders"},
                          {"user", "app"},     {"kind", "canary"}};
  const Collected page(stats, PoolKind::kCanary);
  const MetricFamily& info = page.family("dbpool_pool_info");
  ASSERT_THAT(info.metric, SizeIs(1));
  EXPECT_EQ(labels_of(info.metric[0]), expected);
  EXPECT_EQ(info.metric[0].gauge.value, 1);
  EXPECT_THAT(Collected(stats).values_of("dbpool_pool_info", "kind"),
              ElementsAre("embedded"));
}

TEST(PoolCollectorTest, ANameThatIsNotUtf8DoesNotSpoilThePage) {
  PoolStats stats = fresh();
  QueryStats query;
  query.name = "caf\xE9";
  stats.queries.push_back(query);
  EXPECT_THAT(Collected(stats).values_of("dbpool_queries_total", "query"),
              ElementsAre("caf\\xe9"));
}

TEST(PoolCollectorTest, EachCollectionTakesOneSnapshot) {
  int snapshots = 0;
  PoolCollector collector([&snapshots] {
    ++snapshots;
    return fresh();
  });
  collector.Collect();
  collector.Collect();
  EXPECT_EQ(snapshots, 2);
}

}  // namespace
}  // namespace dbpool::prometheus
