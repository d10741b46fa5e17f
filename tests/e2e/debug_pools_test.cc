// /debug/pools of the real program: who holds the connections of a pool on a
// real PostgreSQL, with names and statements that would be markup.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

// One connection, which the workload holds for ever.
ExporterOptions held(const std::string& url, const std::string& sql) {
  return {.database_url = url,
          .args = {"--workload.sql=" + sql, "--workload.clients=1",
                   "--workload.hold=1h", "--probe.select_1.interval=0"},
          .env = {{"DB_POOL_MAX", "1"},
                  {"DB_POOL_MIN", "0"},
                  {"DB_DRAIN_TIMEOUT_MS", "0"}}};
}

json connections(Exporter& exporter) {
  const HttpResponse response = exporter.get("/debug/pools?format=json");
  return json::parse(response.body).at("pools").at("default").at("connections");
}

// Waits until a statement has ended on a leased connection.
testing::AssertionResult eventually_held(Exporter& exporter) {
  const bool held = eventually(kLiveness, [&] {
    const json all = connections(exporter);
    return all.size() == 1 && all[0].at("state") == "active" &&
           all[0].contains("statement") &&
           !all[0].at("statement").at("running").get<bool>();
  });
  if (held) return testing::AssertionSuccess();
  return testing::AssertionFailure() << connections(exporter);
}

TEST(DebugPoolsTest, HoldersAreNamedWithTheBackendThatTheServerKnows) {
  const Postgres postgres;
  create_planted_role(postgres);
  Exporter exporter(held(planted_url(postgres), "checkout=SELECT 42"));
  ASSERT_TRUE(eventually_held(exporter));
  const json holder = connections(exporter)[0];
  EXPECT_EQ(holder.at("tag"), "workload checkout");
  EXPECT_THAT(holder.at("acquiredAt").get<std::string>(), HasSubstr(".cc:"));
  EXPECT_EQ(holder.at("transaction"), "idle");
  EXPECT_EQ(holder.at("statement").at("name"), "checkout");
  EXPECT_EQ(holder.at("statement").at("text"), "SELECT 42");
  EXPECT_EQ(holder.at("statement").at("ofThisLease"), true);
  EXPECT_EQ(
      postgres.sql_value("SELECT query FROM pg_stat_activity WHERE pid = " +
                         holder.at("backendPid").dump()),
      "SELECT 42");
  HttpRequest request;
  request.headers["Accept"] = "application/json";
  const HttpResponse by_header = exporter.get("/debug/pools", request);
  EXPECT_EQ(by_header.headers.at("content-type"), "application/json");
  EXPECT_TRUE(json::accept(by_header.body));
  EXPECT_THAT(exporter.get("/").body, HasSubstr("href=\"/debug/pools\""));
}

TEST(DebugPoolsTest, HostileNamesAndStatementsShowAsText) {
  const Postgres postgres;
  postgres.sql("CREATE ROLE \"<b>o'r</b>\" LOGIN");
  postgres.sql("CREATE DATABASE \"<i>\"\"x\"");
  // Over the socket, where no password is asked for.
  const std::string url = "host=" + postgres.socket_dir() +
                          " port=" + std::to_string(postgres.port()) +
                          R"( user='<b>o\'r</b>' dbname='<i>"x')" +
                          " application_name='<script>alert(0)</script>'";
  Exporter exporter(
      held(url, "SELECT '<script>alert(1)</script>', '\"&amp;' /*\u202e*/"));
  ASSERT_TRUE(eventually_held(exporter));
  const HttpResponse page = exporter.get("/debug/pools");
  EXPECT_EQ(page.headers.at("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.headers.at("content-security-policy"),
              HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.body, HasSubstr("&lt;b&gt;o&#39;r&lt;/b&gt;@"));
  EXPECT_THAT(page.body, HasSubstr("/&lt;i&gt;&quot;x"));
  EXPECT_THAT(page.body,
              HasSubstr("SELECT &#39;&lt;script&gt;alert(1)&lt;/script&gt;"
                        "&#39;, &#39;&quot;&amp;amp;&#39;"));
  for (const char* markup : {"<script", "<b>o", "<i>"}) {
    EXPECT_THAT(page.body, Not(HasSubstr(markup)));
  }
}

TEST(DebugPoolsTest, AStatementOfBrokenUtf8IsShownByItsBytes) {
  const Postgres postgres;
  create_planted_role(postgres);
  Exporter exporter(
      {.database_url = planted_url(postgres),
       .args = {"--workload.sql=SELECT '\xc3\x28<' /*\xff*/",
                "--workload.rate=20", "--probe.select_1.interval=0"}});
  ASSERT_TRUE(eventually(kLiveness, [&] {
    const std::string page = exporter.get("/debug/pools").body;
    return page.find("SELECT &#39;\\xc3(&lt;&#39; /*\\xff*/") !=
           std::string::npos;
  }));
  EXPECT_TRUE(json::accept(exporter.get("/debug/pools?format=json").body));
}

TEST(DebugPoolsTest, WithoutADatabaseThePageIsThere) {
  Exporter exporter({.database_url = planted_url(free_port())});
  EXPECT_EQ(exporter.get("/debug/pools").status, 200);
  EXPECT_EQ(exporter.get("/debug/pools?format=xml").status, 400);
}

TEST(DebugPoolsTest, APasswordInAStatementIsHidden) {
  const Postgres postgres;
  create_planted_role(postgres);
  Exporter exporter(held(
      planted_url(postgres),
      "SELECT 'it is " + std::string(kPlantedPassword) + "', 1 AS password"));
  ASSERT_TRUE(eventually_held(exporter));
  // get() looks for it, too.
  EXPECT_THAT(exporter.get("/debug/pools").body, HasSubstr("***"));
}

}  // namespace
}  // namespace dbpool::test
