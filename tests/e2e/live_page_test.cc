// The live page of the real program and its data, with a real PostgreSQL: the
// browser's part is tests/page.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "exporter/live/live_routes.h"
#include "tests/e2e/web_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/pg_session.h"

namespace dbpool::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

json live(Exporter& exporter, const std::string& query = "") {
  return json::parse(exporter.get("/live.json" + query).body);
}

json pool_of(const json& document) { return document.at("pools").at(0); }

class LivePageTest : public WebFixture {
 protected:
  static std::unique_ptr<HttpConnection> listen(Exporter& exporter) {
    auto stream = std::make_unique<HttpConnection>(exporter.port());
    stream->send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string head = stream->receive_until("\r\n\r\n", kLiveness);
    EXPECT_THAT(head, HasSubstr("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream\r\n"));
    EXPECT_THAT(head, HasSubstr("Cache-Control: no-store\r\n"));
    return stream;
  }

  static json next_event(HttpConnection& stream) {
    const std::string event = stream.receive_until("\n\n", kLiveness);
    const std::string mark = "data: ";
    const std::size_t at = event.find(mark);
    EXPECT_NE(at, std::string::npos) << event;
    return json::parse(event.substr(at + mark.size()));
  }
};

TEST_F(LivePageTest, ThePageLoadsNothingButItsOwnFiles) {
  Exporter exporter({.database_url = planted_url(free_port())});
  const HttpResponse page = exporter.get("/");
  EXPECT_EQ(page.status, 200);
  const std::string& policy = page.headers.at("content-security-policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'; script-src 'self'; "
                                "style-src 'self'; connect-src 'self';"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(page.body, Not(HasSubstr("{{")));
  EXPECT_THAT(page.body, Not(HasSubstr("://")));
  const std::regex file("(?:src|href)=\"(/assets/[^\"]+)\"");
  int files = 0;
  for (std::sregex_iterator at(page.body.begin(), page.body.end(), file), end;
       at != end; ++at, ++files) {
    const HttpResponse asset = exporter.get((*at)[1]);
    EXPECT_EQ(asset.status, 200) << (*at)[1];
    EXPECT_FALSE(asset.body.empty()) << (*at)[1];
  }
  EXPECT_GE(files, 4);
  EXPECT_EQ(exporter.get("/assets/live.js").headers.at("content-type"),
            "text/javascript; charset=utf-8");
  EXPECT_EQ(exporter.get("/assets/landing.html").status, 404);
  EXPECT_THAT(exporter.get("/metrics").headers.at("content-security-policy"),
              Not(HasSubstr("script-src")));
}

TEST_F(LivePageTest, PollingGetsTheHistoryOnceAndThenWhatIsNew) {
  Exporter exporter({.database_url = planted_url(free_port())});
  std::string cursor;
  ASSERT_TRUE(eventually(kLiveness, [&] {
    const json all = live(exporter);
    cursor = all.at("cursor");
    return pool_of(all).at("samples").size() >= 2;
  }));
  json next;
  ASSERT_TRUE(eventually(kLiveness, [&] {
    next = live(exporter, "?since=" + cursor);
    return !pool_of(next).at("samples").empty();
  }));
  EXPECT_EQ(pool_of(next).at("samples").size(), 1U);
  EXPECT_GE(pool_of(live(exporter, "?since=1-2")).at("samples").size(), 3U);
}

TEST_F(LivePageTest, ExhaustionIsTold) {
  const Postgres postgres;
  create_planted_role(postgres);
  postgres.sql("CREATE TABLE stock (id int); GRANT ALL ON stock TO PUBLIC");
  Exporter exporter(
      {.database_url = planted_url(postgres),
       .args = {"--workload.sql=read_stock=SELECT count(*) FROM stock",
                "--workload.rate=100"},
       .env = {{"DB_POOL_MAX", "2"}, {"DB_POOL_MIN", "0"}}});
  const auto stream = listen(exporter);
  EXPECT_EQ(pool_of(next_event(*stream)).at("verdict").at("cause"), "none");
  const auto names_of = [](const json& document) {
    return pool_of(document).at("queryNames").dump();
  };
  json event;
  while (names_of(event = next_event(*stream)).find("read_stock") ==
         std::string::npos) {
  }
  PgSession migrate(postgres.url() + "&application_name=migrate");
  migrate.execute("BEGIN; LOCK TABLE stock");
  const auto is_marked = [](const json& pool) {
    return !pool.at("blockers").empty() && !pool.at("reports").empty() &&
           pool.at("verdict").at("cause") != "none";
  };
  while (!is_marked(pool_of(event = next_event(*stream)))) {
  }
  const json pool = pool_of(event);
  EXPECT_EQ(pool.at("blockers")[0].at("application"), "migrate");
  EXPECT_FALSE(pool.at("holders")[0].at("blockedBy").empty());
  EXPECT_THAT(pool.at("verdict").at("finding").get<std::string>(),
              HasSubstr("migrate"));
  migrate.execute("COMMIT");
  while (pool_of(event = next_event(*stream)).at("verdict").at("cause") !=
         "none") {
  }
}

TEST_F(LivePageTest, HostileNamesAreDataAndNoMarkup) {
  const Postgres postgres;
  postgres.sql("CREATE ROLE \"<b>o'r</b>\" LOGIN");
  postgres.sql("CREATE DATABASE \"<i>\"\"x\"");
  const std::string url = "host=" + postgres.socket_dir() +
                          " port=" + std::to_string(postgres.port()) +
                          R"( user='<b>o\'r</b>' dbname='<i>"x')";
  Exporter exporter({.database_url = url,
                     .args = {"--workload.sql=SELECT '<script>', '\n\ndata: x'",
                              "--workload.clients=1", "--workload.hold=1h",
                              "--probe.select_1.interval=0"},
                     .env = {{"DB_POOL_MAX", "1"},
                             {"DB_POOL_MIN", "0"},
                             {"DB_DRAIN_TIMEOUT_MS", "0"}}});
  const auto stream = listen(exporter);
  json pool;
  const auto has_statement = [](const json& shown) {
    return !shown.at("holders").empty() &&
           shown.at("holders")[0].contains("statement");
  };
  while (!has_statement(pool = pool_of(next_event(*stream)))) {
  }
  EXPECT_EQ(pool.at("holders")[0].at("statement").at("text"),
            "SELECT '<script>', '\n\ndata: x'");
  EXPECT_THAT(pool.at("database").get<std::string>(), HasSubstr("<b>o'r</b>@"));
  const std::string page = exporter.get("/").body;
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;o&#39;r&lt;/b&gt;@"));
  for (const char* markup : {"<b>o", "<i>"}) {
    EXPECT_THAT(page, Not(HasSubstr(markup)));
  }
}

TEST_F(LivePageTest, MoreStreamsThanThereMayBeAreToldToPoll) {
  Exporter exporter({.database_url = planted_url(free_port()),
                     .args = {"--web.max-requests=1"}});
  std::vector<std::unique_ptr<HttpConnection>> streams;
  for (std::uint32_t i = 0; i < exporter::kMostStreams; ++i) {
    streams.push_back(listen(exporter));
  }
  const HttpResponse refused = exporter.get("/live");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("/live.json"));
  EXPECT_EQ(exporter.get("/live.json").status, 200);
  EXPECT_EQ(exporter.get("/metrics").status, 200);
  for (const auto& stream : streams) next_event(*stream);
}

TEST_F(LivePageTest, AShutdownEndsStreamsAtOnce) {
  Exporter exporter({.database_url = planted_url(free_port())});
  const auto stream = listen(exporter);
  const auto unread = listen(exporter);
  EXPECT_EQ(exporter.stop(), 0);
  EXPECT_TRUE(stream->closed_by_server(kLiveness));
  EXPECT_THAT(exporter.output(), Not(HasSubstr("level=error")));
}

TEST_F(LivePageTest, WhoMayNotLogInSeesNothingOfIt) {
  const auto exporter = start(users());
  for (const char* target : {"/", "/live.json", "/live", "/assets/live.js"}) {
    EXPECT_EQ(exporter->get(target).status, 401) << target;
    HttpRequest request;
    request.headers["Authorization"] = basic_auth(kUser, kWebPassword);
    if (std::string(target) == "/live") request.method = "HEAD";
    HttpConnection connection(exporter->port());
    connection.send(request.method + " " + target +
                    " HTTP/1.1\r\nHost: x\r\nAuthorization: " +
                    request.headers["Authorization"] + "\r\n\r\n");
    EXPECT_EQ(connection.receive(request.method == "HEAD").status, 200)
        << target;
  }
}

TEST_F(LivePageTest, OverTlsAStreamGoesOnToo) {
  const auto exporter = start(tls_config());
  HttpsConnection connection(exporter->port(), client(false));
  connection.send("GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(connection.receive_until("\n\n"), HasSubstr("data: {"));
  EXPECT_THAT(connection.receive_until("\n\n"), HasSubstr("data: {"));
}

}  // namespace
}  // namespace dbpool::test
