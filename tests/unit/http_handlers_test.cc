#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "exporter/base/duration_words.h"
#include "exporter/http/debug_pools_handler.h"
#include "exporter/http/gzip.h"
#include "exporter/http/health_handler.h"
#include "exporter/http/lifecycle_handlers.h"
#include "exporter/http/metrics_handler.h"
#include "exporter/http/stats_handler.h"
#include "exporter/live/landing_page.h"

namespace dbpool::exporter {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

const Request kGet{.method = "GET", .path = "/", .query = ""};

PoolStats busy_pool(std::string name = "default") {
  PoolStats stats;
  stats.name = std::move(name);
  stats.host = "db.example";
  stats.port = "5432";
  stats.database = "orders";
  stats.user = "app";
  stats.connections = {1, 0, 12, 2, 0};
  stats.total = 15;
  stats.waiting = {3, 1, 0, 0};
  stats.waiting_total = 4;
  stats.max_connections = 20;
  stats.oldest_waiting_age = std::chrono::milliseconds(1500);
  return stats;
}

Route health_of(std::vector<PoolHealth> pools) {
  return health_route([pools = std::move(pools)] { return pools; });
}

TEST(HealthHandler, SpeaksTheJsonOfTheSeed) {
  const Route route = health_of({{.stats = busy_pool()}});
  const Response response = route.handler(kGet);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  const json body = json::parse(response.body);
  EXPECT_EQ(body["status"], "ok");
  EXPECT_EQ(body["service"], "dbpool_exporter");
  EXPECT_THAT(body["version"].get<std::string>(), MatchesRegex("[0-9.]+"));
  EXPECT_THAT(body["timestamp"].get<std::string>(),
              MatchesRegex("....-..-..T..:..:..\\.[0-9][0-9][0-9]Z"));
  EXPECT_EQ(body["pools"], json::parse(R"({"default": {
      "status": "ok", "totalConnections": 15, "idleConnections": 12,
      "waitingRequests": 4}})"));
  EXPECT_EQ(route.path, "/health");
  EXPECT_FALSE(route.limited);
}

TEST(HealthHandler, TheWorstPoolDecides) {
  const PoolHealth ok{.stats = busy_pool("a")};
  const PoolHealth degraded{.status = HealthStatus::kDegraded,
                            .reason = "exhausted",
                            .stats = busy_pool("b")};
  const PoolHealth down{.status = HealthStatus::kDown,
                        .reason = "no answer",
                        .stats = busy_pool("c")};
  EXPECT_EQ(health_of({}).handler(kGet).status, 200);
  const Response slow = health_of({ok, degraded}).handler(kGet);
  EXPECT_EQ(slow.status, 200);
  EXPECT_EQ(json::parse(slow.body)["status"], "degraded");
  const Response dead = health_of({down, ok, degraded}).handler(kGet);
  EXPECT_EQ(dead.status, 503);
  const json body = json::parse(dead.body);
  EXPECT_EQ(body["status"], "down");
  EXPECT_EQ(body["pools"]["a"]["status"], "ok");
  EXPECT_FALSE(body["pools"]["a"].contains("reason"));
  EXPECT_EQ(body["pools"]["b"]["reason"], "exhausted");
  EXPECT_EQ(body["pools"]["c"]["reason"], "no answer");
}

TEST(HealthHandler, ReasonsAreRedacted) {
  const Response response =
      health_of({{.status = HealthStatus::kDown,
                  .reason = "postgres://app:hunter2@db/x failed",
                  .stats = busy_pool()}})
          .handler(kGet);
  EXPECT_THAT(response.body, Not(HasSubstr("hunter2")));
}

TEST(StatsHandler, HasThePoolStatsOfTheSeedForEachPool) {
  const Route route = stats_route([] {
    return std::vector{busy_pool("a"), busy_pool("b\xff")};
  });
  const Response response = route.handler(kGet);
  EXPECT_EQ(response.content_type, "application/json");
  const json body = json::parse(response.body);
  ASSERT_EQ(body.size(), 2U);
  ASSERT_TRUE(body.contains("b\\xff"));
  const json& pool = body["a"];
  EXPECT_EQ(pool["totalConnections"], 15);
  EXPECT_EQ(pool["idleConnections"], 12);
  EXPECT_EQ(pool["waitingRequests"], 4);
  EXPECT_EQ(pool["activeConnections"], 2);
  EXPECT_EQ(pool["waitingRequestsByReason"]["capacity"], 3);
  EXPECT_EQ(pool["connectionsByState"]["opening"], 1);
  EXPECT_EQ(pool["oldestWaitingRequestAgeSeconds"], 1.5);
  EXPECT_FALSE(pool.contains("lastConnectionFailure"));
}

TEST(StatsHandler, TellsTheLastFailureRedacted) {
  PoolStats stats = busy_pool();
  stats.last_failure = {.seen = true,
                        .reason = ConnectFailure::kAuth,
                        .message = "password=hunter2 was wrong",
                        .ago = std::chrono::seconds(3)};
  const Response response =
      stats_route([&] { return std::vector{stats}; }).handler(kGet);
  const json failure =
      json::parse(response.body)["default"]["lastConnectionFailure"];
  EXPECT_EQ(failure["reason"], "auth");
  EXPECT_EQ(failure["secondsAgo"], 3);
  EXPECT_THAT(response.body, Not(HasSubstr("hunter2")));
}

TEST(LifecycleHandlers, ReadyIs503AtStartAndShutdownAndHealthyIsNot) {
  std::atomic<bool> ready = true;
  const Route route = ready_route([&] { return ready.load(); });
  EXPECT_EQ(route.handler(kGet).status, 200);
  ready = false;
  EXPECT_EQ(route.handler(kGet).status, 503);
  EXPECT_EQ(route.handler(kGet).body, "starting, or shutting down\n");
  EXPECT_EQ(healthy_route().handler(kGet).status, 200);
}

TEST(LifecycleHandlers, AReloadThatIsNotEnabledSaysWhatEnablesIt) {
  std::string methods;
  for (const Route& route : no_reload_routes()) {
    EXPECT_EQ(route.path, "/-/reload");
    const Response response = route.handler(kGet);
    EXPECT_EQ(response.status, 404);
    EXPECT_THAT(response.body, HasSubstr("--web.enable-lifecycle"));
    methods += route.method + " ";
  }
  EXPECT_EQ(methods, "GET POST ");
}

TEST(LandingHandler, ShowsPoolsAndLinksWithoutLettingNamesBecomeMarkup) {
  PoolHealth pool{.status = HealthStatus::kDegraded,
                  .reason = "a <b>\"slow\"</b> & 'dull' day",
                  .stats = busy_pool("<script>alert(1)</script>")};
  const Route route =
      landing_route("/own-metrics", [&] { return std::vector{pool}; });
  const Response response = route.handler(kGet);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(response.body, HasSubstr("href=\"/own-metrics\""));
  EXPECT_THAT(response.body, HasSubstr("href=\"/health\""));
  EXPECT_THAT(response.body, HasSubstr("href=\"/debug/pools\""));
  EXPECT_THAT(response.body, HasSubstr("href=\"/config\""));
  EXPECT_THAT(response.body, HasSubstr("app@db.example:5432/orders"));
  EXPECT_THAT(response.body,
              HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(response.body,
              HasSubstr("a &lt;b&gt;&quot;slow&quot;&lt;/b&gt; &amp; "
                        "&#39;dull&#39; day"));
  EXPECT_THAT(response.body, Not(HasSubstr("<script>")));
}

ConnectionStats hostile_connection() {
  ConnectionStats connection;
  connection.state = ConnectionState::kActive;
  connection.in_state = std::chrono::seconds(92);
  connection.age = std::chrono::hours(3);
  connection.uses = 7;
  connection.backend_pid = 4711;
  connection.tag = "<b>tag</b>";
  connection.file = "/src/<i>.cc";
  connection.line = 12;
  connection.transaction = TransactionStatus::kInTransaction;
  connection.in_transaction = std::chrono::seconds(90);
  connection.statement = {.name = "\"name\"",
                          .text = "SELECT '<script>\xff'",
                          .running = false,
                          .started_ago = std::chrono::seconds(80),
                          .took = std::chrono::seconds(5)};
  return connection;
}

Response debug_pools(std::string_view query, std::string_view accept = {}) {
  const Route route = debug_pools_route(
      [] {
        return std::vector{
            PoolHolders{busy_pool("<p>ool"),
                        {hostile_connection(), {}},
                        {Cause::kLeak, "<f>inding", "<a>ction"}}};
      },
      [] { return std::vector<ReportPtr>(); });
  return route.handler({.method = "GET",
                        .path = "/debug/pools",
                        .query = query,
                        .headers = {{"Accept", accept}}});
}

TEST(DebugPoolsHandler, NothingThatOthersNameBecomesMarkup) {
  const Response response = debug_pools("");
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  for (const char* part :
       {"&lt;p&gt;ool", "&lt;b&gt;tag&lt;/b&gt;", "&lt;i&gt;.cc:12",
        "&quot;name&quot;", "SELECT &#39;&lt;script&gt;\\xff&#39;", "4711",
        "<td>92 s</td>", "</b> (leak): &lt;f&gt;inding.", "&lt;a&gt;ction.",
        "in_transaction, open for 90 s", "ended 75 s ago, took 5 s",
        "4 requests wait, the oldest for 1.5 s"}) {
    EXPECT_THAT(response.body, HasSubstr(part));
  }
  EXPECT_THAT(response.body, Not(HasSubstr("<script")));
}

TEST(DebugPoolsHandler, AnswersInJsonToWhoPrefersIt) {
  const auto is_json = [](const Response& response) {
    return response.content_type == "application/json";
  };
  EXPECT_TRUE(is_json(debug_pools("format=json", "text/html")));
  EXPECT_TRUE(is_json(debug_pools("", "application/json")));
  EXPECT_TRUE(is_json(debug_pools("", "application/json, text/plain, */*")));
  EXPECT_TRUE(is_json(debug_pools("", "text/html;q=0.5,application/json")));
  EXPECT_FALSE(is_json(debug_pools("format=html", "application/json")));
  EXPECT_FALSE(is_json(debug_pools("", "*/*")));
  EXPECT_FALSE(is_json(debug_pools("", "text/html,application/json ; q=0.9")));
  EXPECT_FALSE(is_json(debug_pools("", "application/json;q=0")));
  EXPECT_EQ(debug_pools("format=xml").status, 400);
}

TEST(DebugPoolsHandler, TheJsonHasEachConnection) {
  const json body = json::parse(debug_pools("format=json").body);
  const json& pool = body["pools"]["<p>ool"];
  EXPECT_EQ(pool["waitingRequests"], 4);
  EXPECT_EQ(pool["verdict"],
            json::parse(R"({"cause": "leak", "finding": "<f>inding",
                            "action": "<a>ction"})"));
  ASSERT_EQ(pool["connections"].size(), 2U);
  EXPECT_EQ(pool["connections"][0], json::parse(R"({
      "state": "active", "inStateSeconds": 92.0, "ageSeconds": 10800.0,
      "uses": 7, "backendPid": 4711, "tag": "<b>tag</b>",
      "acquiredAt": "<i>.cc:12", "transaction": "in_transaction",
      "inTransactionSeconds": 90.0,
      "statement": {"name": "\"name\"", "text": "SELECT '<script>\\xff'",
                    "running": false, "startedSecondsAgo": 80.0,
                    "tookSeconds": 5.0, "ofThisLease": true}})"));
  EXPECT_EQ(pool["connections"][1], json::parse(R"({
      "state": "opening", "inStateSeconds": 0.0, "ageSeconds": 0.0,
      "uses": 0})"));
}

TEST(DurationWords, HaveTwoPartsAtMost) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  EXPECT_EQ(duration_for_people(Duration(0)), "0 ms");
  EXPECT_EQ(duration_for_people(milliseconds(340)), "340 ms");
  EXPECT_EQ(duration_for_people(std::chrono::microseconds(999'900)), "1 s");
  EXPECT_EQ(duration_for_people(milliseconds(12'340)), "12.3 s");
  EXPECT_EQ(duration_for_people(seconds(320)), "5 min 20 s");
  EXPECT_EQ(duration_for_people(seconds(11'520)), "3 h 12 min");
  EXPECT_EQ(duration_for_people(std::chrono::hours(50)), "2 d 2 h");
}

constexpr metrics::MetricInfo kFake = {"fake", metrics::kGauge, "A fake."};
constexpr metrics::MetricInfo kFakeToo = {"fake_too", metrics::kGauge, "Too."};

class FakeSource : public metrics::Source {
 public:
  explicit FakeSource(std::function<double()> value)
      : value_(std::move(value)) {}
  void tell(metrics::Sink& sink) const override {
    sink.add(kFake, {}, value_());
    sink.add(kFakeToo, {}, value_());
  }

 private:
  const std::function<double()> value_;
};

TEST(MetricsHandler, ServesWhatTheSourcesTellNow) {
  auto page = std::make_shared<MetricsPage>();
  const Route route = metrics_route("/metrics", page);
  EXPECT_EQ(route.handler(kGet).body, "");
  double value = 1;
  page->add(std::make_shared<FakeSource>([&] { return value; }));
  EXPECT_THAT(route.handler(kGet).body, HasSubstr("\nfake 1\n"));
  value = 2;
  const Response response = route.handler(kGet);
  EXPECT_THAT(response.body, HasSubstr("\nfake 2\n"));
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST(Gzip, IsAcceptedAsTheHeaderSays) {
  for (const char* yes : {"gzip", "deflate, GZIP;q=0.5", "*", "br , gzip",
                          "gzip;q=1.0, *;q=0", "gzip; q=0.001"}) {
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  }
  for (const char* no : {"", "identity", "gzip;q=0", "gzip ; q=0.000", "*;q=0",
                         "*, gzip;q=0", "gzipped", ",,", "br;q=1"}) {
    EXPECT_FALSE(accepts_gzip(no)) << no;
  }
}

TEST(Gzip, AnAnswerIsInItForThoseWhoAccept) {
  const Route route = in_gzip(
      {.path = "/", .name = "x", .handler = [](const Request&) -> Response {
         return {.body = std::string(100000, 'a')};
       }});
  EXPECT_EQ(route.handler(kGet).body.size(), 100000U);
  Request request = kGet;
  request.headers = {{"accept-encoding", "gzip"}};
  const Response response = route.handler(request);
  EXPECT_LT(response.body.size(), 2000U);
  EXPECT_EQ(response.body.substr(0, 2), "\x1f\x8b");
  EXPECT_EQ(response.headers.at(0).name, "Vary");
  EXPECT_EQ(response.headers.at(1).name, "Content-Encoding");
  EXPECT_EQ(response.headers.at(1).value, "gzip");
}

TEST(MetricsHandler, ASourceThatThrowsFailsTheScrapeAndLeavesNothingOfIt) {
  MetricsPage page;
  int calls = 0;
  page.add(std::make_shared<FakeSource>([&]() -> double {
    if (++calls == 2) throw std::runtime_error("broken");
    return calls;
  }));
  EXPECT_THROW(page.text(), std::runtime_error);
  EXPECT_EQ(page.text(),
            "# HELP fake A fake.\n# TYPE fake gauge\nfake 3\n"
            "# HELP fake_too Too.\n# TYPE fake_too gauge\nfake_too 4\n");
}

}  // namespace
}  // namespace dbpool::exporter
