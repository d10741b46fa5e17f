// Passwords in statements: none is told by a log, a page or the list of
// processes. Exporter searches all output and all pages for what is planted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <string>

#include "tests/e2e/exporter.h"
#include "tests/integration/fake_server.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;

class SecretsInStatementsTest : public ::testing::Test {
 protected:
  SecretsInStatementsTest() { create_planted_role(postgres_); }

  // Statements with the planted password, of which most fail.
  ExporterOptions options(const std::string& log_queries) const {
    const auto sql = [](const std::string& name, const std::string& text) {
      return "--workload.sql=" + name + "=" + text;
    };
    const std::string nobodys = "ALTER ROLE nobody PASSWORD ";
    const std::string own = "ALTER ROLE planted PASSWORD '";
    return {
        .database_url = planted_url(postgres_),
        .args = {"--workload.rate=100",
                 sql("good", own + std::string(kPlantedPassword) + "'"),
                 sql("encrypted", nobodys + "E'pl4nt\\'S3cret' LOGIN"),
                 sql("dollars", nobodys + "$a$pl4nt S3cret$a$ BOGUS"),
                 sql("open", own + "pl4nt S3cret"),
                 sql("bare", nobodys + "pl4ntS3cret"),
                 sql("hash", "SELECT crypt('pl4nt', 'S3cret')::int"),
                 sql("own",
                     "SELECT '" + std::string(kPlantedPassword) + "'::int"),
                 sql("nested", "DO $$BEGIN EXECUTE '" + nobodys +
                                   "''pl4nt S3cret'''; END$$"),
                 sql("conninfo",
                     "SELECT 'host=h password=''pl4nt S3cret'''::int"),
                 "--probe.select_1.sql=SELECT f('password', 'pl4nt S3cret')"},
        .env = {{"DB_LOG_QUERIES", log_queries}}};
  }

  const Postgres postgres_;
};

TEST_F(SecretsInStatementsTest, TheQueryLogHidesThem) {
  Exporter exporter(options("true"));
  for (const char* name :
       {"good", "encrypted", "dollars", "open", "nested", "bare"}) {
    EXPECT_TRUE(
        exporter.wait_for_log("msg=\"?query.* query=" + std::string(name) +
                              " sql=\".*PASSWORD [*][*][*]"))
        << name;
  }
  EXPECT_TRUE(
      exporter.wait_for_log("query=conninfo sql=\"SELECT 'host=h "
                            "password=[*][*][*]"));
  EXPECT_TRUE(exporter.wait_for_log("query=hash .*crypt[(][*][*][*]"));
  EXPECT_TRUE(exporter.wait_for_log("query=own .*SELECT '[*][*][*]'"));
  EXPECT_TRUE(exporter.wait_for_log("probe fails.*select_1"));
  for (const char* path :
       {"/", "/health", "/stats", "/debug/pools", "/metrics"}) {
    exporter.get(path);
  }
  const std::string seen =
      read_file("/proc/" + std::to_string(exporter.pid()) + "/cmdline");
  EXPECT_THAT(seen, HasSubstr("--workload.sql=***"));
  expect_no_secret(seen, "the command line");
  exporter.stop();
}

TEST_F(SecretsInStatementsTest, ErrorsHideThemWithoutTheQueryLogToo) {
  Exporter exporter(options("false"));
  for (const char* name :
       {"encrypted", "dollars", "open", "nested", "bare", "hash", "own"}) {
    EXPECT_TRUE(exporter.wait_for_log("msg=\"query failed\".* query=" +
                                      std::string(name)))
        << name;
  }
  EXPECT_TRUE(exporter.wait_for_log("probe fails.*select_1"));
  for (const char* path : {"/", "/health", "/stats", "/debug/pools"})
    exporter.get(path);
  exporter.stop();
}

TEST_F(SecretsInStatementsTest, StatementsAreInNoArgumentAndNoSetting) {
  Exporter exporter(
      {.database_url = planted_url(postgres_),
       .args = {"--workload.rate=1", "--debug.dumpable=true", "--workload.sql",
                "one=SELECT 'pl4nt'", "--workload.sql=SELECT 'S3cret'"}});
  EXPECT_TRUE(exporter.wait_for_log("settings in force.*one: 14 bytes of SQL"));
  exporter.port();
  expect_no_secret(
      read_file("/proc/" + std::to_string(exporter.pid()) + "/cmdline"),
      "the command line");
}

TEST(SecretsInVariablesTest, LibpqsVariablesAreOverwritten) {
  Exporter exporter({.database_url = planted_url(free_port()),
                     .args = {"--debug.dumpable=true"},
                     .env = {{"PGUSER", "u:pl4nt"},
                             {"PGDATABASE", "postgresql://u:S3cret@h/d"},
                             {"PGPASSWORD", "pl4nt"}}});
  exporter.port();
  expect_no_secret(
      read_file("/proc/" + std::to_string(exporter.pid()) + "/environ"),
      "the environment");
}

TEST(SecretsInAnswersTest, AServerThatQuotesThePasswordIsNotRepeated) {
  for (const std::string_view text : {kPlantedPassword, kPlantedEncoded}) {
    const FakeServer server(FakeServer::error_response(
        "28P01", "\"" + std::string(text) + "\" or " + std::string(text) +
                     " is wrong for you"));
    Exporter exporter({.database_url = planted_url(server.port()),
                       .args = {"--probe.connect.interval=200ms"}});
    EXPECT_TRUE(exporter.wait_for_log(
        "[*][*][*].* or [*][*][*] is wrong for you.*SQLSTATE 28P01"));
    EXPECT_TRUE(exporter.eventually_page(
        [](const MetricsPage& page) { return page.value("dbpool_up") == 0; }));
    for (const char* path : {"/", "/health", "/stats", "/debug/pools"})
      exporter.get(path);
  }
}

TEST(PasswordFileTest, OneThatOthersMayReadIsWarnedOfOnceAndIsNotUsed) {
  const Postgres postgres;
  create_planted_role(postgres);
  const TempDir home;
  const std::string path = home.path() + "/.pgpass";
  write_file(path, "*:*:*:*:" + std::string(kPlantedPassword) + "\n");
  ::chmod(path.c_str(), 0644);
  const std::string port = std::to_string(postgres.port());
  const ExporterOptions options{
      .database_url =
          "host=127.0.0.1 dbname=postgres user=planted port=" + port,
      .args = {"--probe.connect.interval=200ms"},
      .env = {{"HOME", home.path()}}};
  {
    Exporter exporter(options);
    EXPECT_TRUE(exporter.wait_for_log("level=warn.*make it 0600"));
    EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
      return page.sum("dbpool_connection_failures_total",
                      {{"reason", "auth"}}) >= 3;
    }));
    const std::string output = exporter.output();
    EXPECT_EQ(output.find("password file"), output.rfind("password file"));
    EXPECT_EQ(output.find("WARNING"), std::string::npos) << output;
  }
  ::chmod(path.c_str(), 0600);
  Exporter exporter(options);
  EXPECT_TRUE(exporter.eventually_page(
      [](const MetricsPage& page) { return page.value("dbpool_up") == 1; }));
}

TEST(PasswordFileTest, ItsPasswordIsHiddenInAnswersToo) {
  const FakeServer server(FakeServer::error_response(
      "28P01", "not " + std::string(kPlantedPassword)));
  const TempDir home;
  const std::string path = home.path() + "/.pgpass";
  write_file(path, "*:*:*:*:" + std::string(kPlantedPassword) + "\n");
  ::chmod(path.c_str(), 0600);
  Exporter exporter({.database_url = "host=127.0.0.1 user=planted port=" +
                                     std::to_string(server.port()),
                     .env = {{"HOME", home.path()}}});
  EXPECT_TRUE(exporter.wait_for_log("not [*][*][*] .*SQLSTATE 28P01"));
}

}  // namespace
}  // namespace dbpool::test
