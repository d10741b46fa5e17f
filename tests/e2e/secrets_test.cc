// Passwords in statements: none is told by a log, a page or the list of
// processes. Exporter searches all output and all pages for what is planted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/exporter.h"
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
  for (const char* name : {"good", "encrypted", "dollars", "open", "nested"}) {
    EXPECT_TRUE(
        exporter.wait_for_log("msg=\"?query.* query=" + std::string(name) +
                              " sql=\".*PASSWORD [*][*][*]"))
        << name;
  }
  EXPECT_TRUE(
      exporter.wait_for_log("query=conninfo sql=\"SELECT 'host=h "
                            "password=[*][*][*]"));
  EXPECT_TRUE(exporter.wait_for_log("probe fails.*select_1"));
  for (const char* path : {"/", "/health", "/stats", "/metrics"}) {
    exporter.get(path);
  }
  const std::string seen =
      read_file("/proc/" + std::to_string(exporter.pid()) + "/cmdline");
  EXPECT_THAT(seen, HasSubstr("good=ALTER ROLE planted PASSWORD ***"));
  expect_no_secret(seen, "the command line");
  exporter.stop();
}

TEST_F(SecretsInStatementsTest, ErrorsHideThemWithoutTheQueryLogToo) {
  Exporter exporter(options("false"));
  for (const char* name : {"encrypted", "dollars", "open", "nested"}) {
    EXPECT_TRUE(exporter.wait_for_log("msg=\"query failed\".* query=" +
                                      std::string(name)))
        << name;
  }
  EXPECT_TRUE(exporter.wait_for_log("probe fails.*select_1"));
  for (const char* path : {"/", "/health", "/stats"}) exporter.get(path);
  exporter.stop();
}

}  // namespace
}  // namespace dbpool::test
