// Every promise of the metrics page and the routes, on a live exporter with
// a real PostgreSQL. The names are spelled out here again on purpose: they
// are a promise to users' dashboards.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/certificates.h"
#include "tests/support/net.h"
#include "tests/support/prometheus.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;
using Names = std::set<std::string>;

struct Promise {
  const char* name;
  const char* type;
  Names labels;  // besides `pool`
};

const std::vector<Promise>& pool_promises() {
  static const std::vector<Promise> promises = {
      {"dbpool_total_connections", "gauge", {}},
      {"dbpool_idle_connections", "gauge", {}},
      {"dbpool_waiting_requests", "gauge", {"reason"}},
      {"dbpool_connections", "gauge", {"state"}},
      {"dbpool_pool_info",
       "gauge",
       {"host", "port", "database", "user", "kind"}},
      {"dbpool_max_connection_seconds_total", "counter", {}},
      {"dbpool_overdue_leases", "gauge", {}},
      {"dbpool_max_connections", "gauge", {}},
      {"dbpool_min_connections", "gauge", {}},
      {"dbpool_max_waiting_requests", "gauge", {}},
      {"dbpool_waiting_requests_peak", "gauge", {}},
      {"dbpool_oldest_waiting_request_age_seconds", "gauge", {}},
      {"dbpool_oldest_lease_age_seconds", "gauge", {}},
      {"dbpool_waiting_seconds_total", "counter", {"reason"}},
      {"dbpool_exhausted_seconds_total", "counter", {}},
      {"dbpool_exhaustion_reports_total", "counter", {}},
      {"dbpool_exhaustion_cause", "gauge", {"cause"}},
      {"dbpool_connection_seconds_total", "counter", {"state"}},
      {"dbpool_acquires_total", "counter", {}},
      {"dbpool_acquires_waited_total", "counter", {}},
      {"dbpool_acquire_failures_total", "counter", {"reason"}},
      {"dbpool_acquire_wait_seconds", "histogram", {"outcome"}},
      {"dbpool_lease_duration_seconds", "histogram", {}},
      {"dbpool_leaks_suspected_total", "counter", {}},
      {"dbpool_dirty_returns_total", "counter", {}},
      {"dbpool_connections_opened_total", "counter", {}},
      {"dbpool_connection_failures_total", "counter", {"reason"}},
      {"dbpool_connections_closed_total", "counter", {"reason"}},
      {"dbpool_connect_duration_seconds", "histogram", {}},
      {"dbpool_connect_phase_duration_seconds", "histogram", {"phase"}},
      {"dbpool_probes_total", "counter", {"probe"}},
      {"dbpool_probe_failures_total", "counter", {"probe", "reason"}},
      {"dbpool_probe_duration_seconds", "histogram", {"probe"}},
      {"dbpool_workload_requests_total", "counter", {"workload"}},
      {"dbpool_workload_failures_total", "counter", {"workload", "reason"}},
      {"dbpool_workload_duration_seconds", "histogram", {"workload"}},
      {"dbpool_workload_lag_seconds", "histogram", {"workload"}},
      {"dbpool_workload_skipped_total", "counter", {"workload"}},
  };
  return promises;
}

// What is there as soon as it can be known.
const std::vector<Promise>& known_later() {
  static const std::vector<Promise> promises = {
      {"dbpool_queries_total", "counter", {"query"}},
      {"dbpool_query_failures_total", "counter", {"query", "reason"}},
      {"dbpool_query_duration_seconds", "histogram", {"query"}},
      {"dbpool_offered_load_connections", "gauge", {}},
      {"dbpool_recommended_max_connections", "gauge", {}},
      {"dbpool_probe_success", "gauge", {"probe"}},
      {"dbpool_probe_last_success_timestamp_seconds", "gauge", {"probe"}},
      {"dbpool_up", "gauge", {}},
      {"dbpool_server_max_connections", "gauge", {}},
      {"dbpool_server_reserved_connections", "gauge", {}},
      {"dbpool_server_connections", "gauge", {"state"}},
  };
  return promises;
}

// What is there when the database is reached over TLS.
const std::vector<Promise>& known_over_tls() {
  static const std::vector<Promise> promises = {
      {"dbpool_tls_certificate_expiry_timestamp_seconds",
       "gauge",
       {"certificate"}},
      {"dbpool_tls_info", "gauge", {"version", "cipher"}},
  };
  return promises;
}

const std::vector<Promise>& exporter_promises() {
  static const std::vector<Promise> promises = {
      {"dbpool_exporter_build_info",
       "gauge",
       {"version", "revision", "libpq", "compiler"}},
      {"dbpool_exporter_config_last_reload_successful", "gauge", {}},
      {"dbpool_exporter_config_last_reload_success_timestamp_seconds",
       "gauge",
       {}},
      {"dbpool_exporter_http_requests_total", "counter", {"handler", "code"}},
      {"dbpool_exporter_http_request_duration_seconds",
       "histogram",
       {"handler"}},
      {"dbpool_exporter_http_requests_in_flight", "gauge", {}},
      {"process_cpu_seconds_total", "counter", {}},
      {"process_open_fds", "gauge", {}},
      {"process_max_fds", "gauge", {}},
      {"process_virtual_memory_bytes", "gauge", {}},
      {"process_resident_memory_bytes", "gauge", {}},
      {"process_start_time_seconds", "gauge", {}},
      {"process_threads", "gauge", {}},
  };
  return promises;
}

Names label_names(const Sample& sample) {
  Names names;
  for (const auto& [name, value] : sample.labels) names.insert(name);
  return names;
}

void expect_kept(const MetricsPage& page, const Promise& promise,
                 const Names& labels) {
  SCOPED_TRACE(promise.name);
  const std::string name = promise.name;
  EXPECT_EQ(page.type(name), promise.type);
  if (std::string(promise.type) != "histogram") {
    EXPECT_FALSE(page.all(name).empty());
    for (const Sample& sample : page.all(name)) {
      EXPECT_EQ(label_names(sample), labels);
    }
    return;
  }
  EXPECT_THAT(page.all(name + "_bucket"),
              SizeIs(19 * page.all(name + "_count").size()));
  for (const char* suffix : {"_count", "_sum"}) {
    EXPECT_FALSE(page.all(name + suffix).empty());
    for (const Sample& sample : page.all(name + suffix)) {
      EXPECT_EQ(label_names(sample), labels);
    }
  }
}

void expect_kept(const MetricsPage& page, const std::vector<Promise>& promises,
                 bool with_pool) {
  for (const Promise& promise : promises) {
    Names labels = promise.labels;
    if (with_pool) labels.insert("pool");
    expect_kept(page, promise, labels);
  }
}

bool is_promised(const std::string& name) {
  for (const auto* promises : {&pool_promises(), &known_later(),
                               &known_over_tls(), &exporter_promises()}) {
    for (const Promise& promise : *promises) {
      if (name == promise.name) return true;
      if (std::string(promise.type) != "histogram") continue;
      for (const char* suffix : {"_bucket", "_sum", "_count"}) {
        if (name == std::string(promise.name) + suffix) return true;
      }
    }
  }
  return false;
}

class ContractTest : public ::testing::Test {
 protected:
  ContractTest() { create_planted_role(postgres_); }

  ExporterOptions options() const {
    return {.database_url = planted_url(postgres_),
            .args = {"--workload.rate=50", "--workload.hold=2ms",
                     "--workload.sql=ping=SELECT 1"}};
  }
  static bool knows_all(const MetricsPage& page) {
    return page.sum("dbpool_probe_success") == 3 &&
           page.value("dbpool_workload_requests_total") > 10 &&
           !page.all("dbpool_recommended_max_connections").empty();
  }

  const CertificateAuthority ca_{"Contract CA"};
  const Postgres postgres_{with_tls(
      ca_.issue({.common_name = "db", .alternative_names = "IP:127.0.0.1"}))};
};

TEST_F(ContractTest, EveryMetricIsThereWithItsTypeAndLabels) {
  const TempDir dir;
  const std::string web = dir.path() + "/web.yml";
  write_file(web, "health_without_auth: true\n");
  ExporterOptions over_tls = options();
  over_tls.args.push_back("--web.config.file=" + web);
  over_tls.env = {{"DB_SSL", "true"}, {"DB_SSL_CA", base64(ca_.certificate())}};
  Exporter exporter(over_tls);
  ASSERT_TRUE(exporter.eventually_page(knows_all));
  const MetricsPage page = exporter.page();
  expect_kept(page, pool_promises(), true);
  expect_kept(page, known_later(), true);
  expect_kept(page, known_over_tls(), true);
  expect_kept(page, exporter_promises(), false);
  for (const Sample& sample : page.samples()) {
    EXPECT_TRUE(is_promised(sample.name)) << sample.name;
  }
  EXPECT_EQ(promtool_check_metrics(page.text()), "");
}

TEST_F(ContractTest, BucketBoundsArePrintedAsPromised) {
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page(knows_all));
  const MetricsPage page = exporter.page();
  const std::vector<std::string> bounds = {
      "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01",
      "0.025",  "0.05",    "0.1",    "0.25",  "0.5",    "1",     "2.5",
      "5",      "10",      "30",     "60",    "+Inf"};
  for (const Sample& count : page.all("dbpool_lease_duration_seconds_count")) {
    double last = 0;
    for (const std::string& bound : bounds) {
      const auto value =
          page.value("dbpool_lease_duration_seconds_bucket", {{"le", bound}});
      ASSERT_TRUE(value) << bound;
      EXPECT_GE(*value, last);
      last = *value;
    }
    EXPECT_EQ(last, count.value);
  }
}

TEST_F(ContractTest, AScrapeIsOneConsistentSnapshot) {
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page(knows_all));
  for (int i = 0; i < 50; ++i) {
    const MetricsPage page = exporter.page();
    EXPECT_EQ(page.sum("dbpool_connections"),
              page.value("dbpool_total_connections"));
    EXPECT_EQ(page.value("dbpool_connections", {{"state", "idle"}}),
              page.value("dbpool_idle_connections"));
    EXPECT_EQ(page.sum("dbpool_acquire_wait_seconds_count"),
              page.value("dbpool_acquires_total"));
    EXPECT_EQ(page.sum("dbpool_acquire_failures_total"),
              page.value("dbpool_acquire_wait_seconds_count",
                         {{"outcome", "failed"}}));
  }
}

TEST_F(ContractTest, LabelValuesAreTheVocabulary) {
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page(knows_all));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.label_values("dbpool_waiting_requests", "reason"),
            (Names{"capacity", "opening", "backend_down", "server_slots"}));
  EXPECT_EQ(page.label_values("dbpool_connections", "state"),
            (Names{"opening", "checking", "idle", "active", "closing"}));
  EXPECT_EQ(page.label_values("dbpool_probes_total", "probe"),
            (Names{"connect", "select_1", "server"}));
  EXPECT_EQ(page.label_values("dbpool_queries_total", "query"),
            (Names{"ping", "probe_select_1"}));
  EXPECT_EQ(page.label_values("dbpool_workload_requests_total", "workload"),
            (Names{"ping"}));
  EXPECT_EQ(page.value("dbpool_pool_info",
                       {{"pool", "default"},
                        {"host", "127.0.0.1"},
                        {"port", std::to_string(postgres_.port())},
                        {"database", "postgres"},
                        {"user", std::string(kPlantedUser)},
                        {"kind", "canary"}}),
            1);
  // Its own session; it may have looked before the pool had any.
  EXPECT_GE(page.sum("dbpool_server_connections"), 1);
}

TEST(ContractWithoutDatabaseTest, WhatIsNotKnownIsAbsentAndTheRestIsThere) {
  Exporter exporter(
      {.database_url = planted_url(free_port()),
       .args = {"--workload.rate=1", "--probe.connect.interval=1s"}});
  const MetricsPage first = exporter.page();
  expect_kept(first, pool_promises(), true);
  EXPECT_EQ(first.type("dbpool_probe_last_success_timestamp_seconds"), "");
  EXPECT_EQ(first.type("dbpool_server_max_connections"), "");
  EXPECT_EQ(first.type("dbpool_server_connections"), "");
  for (const Promise& promise : known_over_tls()) {
    EXPECT_EQ(first.type(promise.name), "");
  }
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.sum("dbpool_probe_failures_total") >= 3;
  }));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_up"), 0);
  EXPECT_EQ(page.value("dbpool_probe_success", {{"probe", "connect"}}), 0);
  EXPECT_EQ(page.type("dbpool_probe_last_success_timestamp_seconds"), "");
  EXPECT_EQ(page.type("dbpool_server_connections"), "");
  EXPECT_EQ(promtool_check_metrics(page.text()), "");
}

TEST_F(ContractTest, ProbesThatAreOffHaveNoSeries) {
  ExporterOptions given = options();
  given.args.insert(given.args.end(), {"--probe.connect.interval=0",
                                       "--probe.server.interval=0"});
  Exporter exporter(given);
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_probe_success", {{"probe", "select_1"}}) == 1;
  }));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.label_values("dbpool_probes_total", "probe"),
            (Names{"select_1"}));
  EXPECT_EQ(page.type("dbpool_up"), "");
}

TEST_F(ContractTest, TheStartCountsAsAReloadThatWentWell) {
  Exporter exporter(options());
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_exporter_config_last_reload_successful"), 1);
  EXPECT_GT(*page.value("dbpool_exporter_config_last_reload_success_"
                        "timestamp_seconds"),
            1.7e9);
}

TEST_F(ContractTest, TheRoutesAnswerAsPromised) {
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page(knows_all));
  for (const char* path :
       {"/", "/metrics", "/health", "/stats", "/-/healthy", "/-/ready",
        "/health?verbose=1", "/debug/pools", "/debug/pools?format=json"}) {
    EXPECT_EQ(exporter.get(path).status, 200) << path;
    HttpRequest post;
    post.method = "POST";
    EXPECT_EQ(exporter.get(path, post).status, 405) << path;
    HttpConnection connection(exporter.port());
    ASSERT_TRUE(connection.send("HEAD " + std::string(path) +
                                " HTTP/1.1\r\nHost: x\r\n\r\n"));
    const HttpResponse head = connection.receive(true);
    EXPECT_EQ(head.status, 200) << path;
    EXPECT_EQ(head.body, "") << path;
  }
  for (const char* path :
       {"/metricsX", "/metrics/", "/healthz", "/-/", "/nowhere", "/debug",
        "/debug/pools/", "/debug/poolsX"}) {
    EXPECT_EQ(exporter.get(path).status, 404) << path;
  }
  EXPECT_EQ(exporter.get("/metrics").headers.at("content-type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(exporter.get("/").body, HasSubstr("/metrics"));
}

TEST_F(ContractTest, HealthAndStatsSpeakTheSeedsWords) {
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page(knows_all));
  const HttpResponse health = exporter.get("/health");
  EXPECT_EQ(health.status, 200);
  const auto body = nlohmann::json::parse(health.body);
  EXPECT_EQ(body.at("status"), "ok") << health.body;
  EXPECT_EQ(body.at("service"), "dbpool_exporter");
  EXPECT_THAT(body.at("timestamp").get<std::string>(),
              ::testing::MatchesRegex(
                  "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z"));
  EXPECT_TRUE(body.at("version").is_string());
  const auto stats = nlohmann::json::parse(exporter.get("/stats").body);
  for (const auto& pool :
       {body.at("pools").at("default"), stats.at("default")}) {
    EXPECT_GE(pool.at("totalConnections").get<int>(), 2);
    EXPECT_TRUE(pool.at("idleConnections").is_number_unsigned());
    EXPECT_EQ(pool.at("waitingRequests").get<int>(), 0);
  }
}

TEST_F(ContractTest, TheTelemetryPathCanBeSet) {
  ExporterOptions given = options();
  given.args.emplace_back("--web.telemetry-path=/custom");
  Exporter exporter(given);
  EXPECT_EQ(exporter.get("/custom").status, 200);
  EXPECT_EQ(exporter.get("/metrics").status, 404);
  EXPECT_THAT(exporter.get("/").body, HasSubstr("/custom"));
}

TEST_F(ContractTest, QueriesAndConnectionsAreLoggedWhenAskedFor) {
  Exporter exporter(
      {.database_url = planted_url(postgres_),
       .args = {"--workload.rate=10", "--workload.sql=ping=SELECT 2"},
       .env = {{"DB_LOG_QUERIES", "true"}, {"DB_LOG_CONNECTIONS", "true"}}});
  EXPECT_TRUE(exporter.wait_for_log("msg=\"connection opened\""));
  EXPECT_TRUE(exporter.wait_for_log(
      "msg=query.*query=ping sql=\"SELECT 2\" parameters=0 seconds="));
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.sum("dbpool_probe_success") == 3;
  }));
  EXPECT_THAT(exporter.output(), Not(HasSubstr("query=probe_")))
      << "they would bury the others";
  exporter.stop();
  EXPECT_TRUE(exporter.wait_for_log("msg=\"connection closed\".*drain"));
}

TEST_F(ContractTest, ProductionLogsNeitherQueriesNorConnections) {
  Exporter exporter({.database_url = planted_url(postgres_),
                     .env = {{"NODE_ENV", "production"},
                             {"DB_SSL", "false"},
                             {"DB_LOG_CONNECTIONS", "true"}}});
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.sum("dbpool_probe_success") == 3;
  }));
  exporter.stop();
  EXPECT_THAT(exporter.output(), Not(HasSubstr("connection opened")));
  EXPECT_THAT(exporter.output(), Not(HasSubstr("SELECT 1\" param")));
}

TEST_F(ContractTest, JsonLinesAreJson) {
  ExporterOptions given = options();
  given.args.emplace_back("--log.format=json");
  Exporter exporter(given);
  ASSERT_TRUE(exporter.eventually_page(knows_all));
  exporter.stop();
  const auto lines = lines_of(exporter.output());
  EXPECT_GE(lines.size(), 4U);
  for (const std::string& line : lines) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << line;
    EXPECT_TRUE(json.contains("ts") && json.contains("level") &&
                json.contains("msg"))
        << line;
  }
}

}  // namespace
}  // namespace dbpool::test
