// The tests' own servers: what other tests build on must itself be right.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/net.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"
#include "tests/support/prometheus.h"

namespace dbpool::test {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

TEST(SupportPostgres, IsStoppedAndRemovedAtTheEnd) {
  std::string folder;
  pid_t pid = 0;
  {
    Postgres postgres;
    folder = postgres.socket_dir();
    pid = postgres.pid();
    EXPECT_EQ(postgres.sql_value("SELECT 6 * 7"), "42");
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(SupportPostgres, KeepsPortAndDataOverRestartsAndCrashes) {
  Postgres postgres;
  const int port = postgres.port();
  postgres.sql("CREATE TABLE kept AS SELECT 1 AS value");

  for (const StopMode mode :
       {StopMode::kSmart, StopMode::kFast, StopMode::kImmediate}) {
    postgres.stop(mode);
    EXPECT_THROW(postgres.sql("SELECT 1"), std::runtime_error);
    postgres.start();
    EXPECT_EQ(postgres.sql_value("SELECT value FROM kept"), "1");
  }
  postgres.kill();
  EXPECT_FALSE(postgres.running());
  postgres.start();
  EXPECT_EQ(postgres.sql_value("SELECT value FROM kept"), "1");
  EXPECT_EQ(postgres.port(), port);
}

TEST(SupportPostgres, DoesNotAcceptWhilePaused) {
  Postgres postgres;
  postgres.pause();
  EXPECT_FALSE(postgres.wait_until_ready(std::chrono::milliseconds(1)));
  postgres.resume();
  EXPECT_TRUE(postgres.wait_until_ready());
}

TEST(SupportPostgres, TakesSettingsAndRulesOfAccess) {
  PostgresOptions options;
  options.config = {"max_connections = 7"};
  options.hba = {"host all app 127.0.0.1/32 reject"};
  options.files = {{"extra.conf", "work_mem = '1MB'\n"}};
  Postgres postgres(options);
  EXPECT_EQ(postgres.sql_value("SHOW max_connections"), "7");
  const auto rejections = [&postgres] {
    return postgres.sql_value(
        "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'reject'");
  };
  EXPECT_EQ(rejections(), "1");

  postgres.set_hba({});
  postgres.configure({"include 'extra.conf'"});
  postgres.reload();
  EXPECT_EQ(rejections(), "0");
  EXPECT_TRUE(eventually(seconds(30), [&postgres] {
    return postgres.sql_value("SHOW work_mem") == "1MB";
  }));
}

TEST(SupportPostgres, GivesTheSharedClusterWithDatabasesOfOnesOwn) {
  Postgres& postgres = shared_postgres();
  EXPECT_EQ(&postgres, &shared_postgres());
  const std::string first = postgres.create_database();
  const std::string second = postgres.create_database();
  EXPECT_NE(first, second);
  EXPECT_EQ(postgres.sql_value("SELECT current_database()", second), second);
}

TEST(SupportPostgres, ShowsTheLogWhenAStartFails) {
  PostgresOptions options;
  options.config = {"no_such_setting = 1"};
  try {
    Postgres postgres(options);
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no_such_setting"));
  }
}

TEST(SupportProcess, TellsExitCodesAndSignals) {
  Process exits("sh", {"-c", "exit 3"});
  EXPECT_EQ(exits.wait(seconds(60)), 3);

  Process sleeps("sleep", {"1000"});
  EXPECT_TRUE(sleeps.running());
  EXPECT_EQ(sleeps.wait(std::chrono::milliseconds(1)), std::nullopt);
  sleeps.send_signal(SIGTERM);
  EXPECT_EQ(sleeps.wait(seconds(60)), 128 + SIGTERM);
}

TEST(SupportProcess, ReadsBothStreamsAsTheyCome) {
  Process process("sh", {"-c", "echo one; echo two >&2; exec sleep 1000"});
  EXPECT_EQ(process.wait_for_line("t.o", seconds(60)), "two");
  EXPECT_EQ(process.wait_for_line("^one$", seconds(60)), "one");
  EXPECT_EQ(process.stdout_text(), "one\n");
  EXPECT_EQ(process.stderr_text(), "two\n");
  EXPECT_TRUE(process.running());
}

TEST(SupportProcess, HasACleanEnvironment) {
  ::setenv("DATABASE_URL", "of the developer", 1);
  Process process("env", {}, {{"GIVEN", "yes"}});
  EXPECT_EQ(process.wait(seconds(60)), 0);
  EXPECT_THAT(process.output(), HasSubstr("GIVEN=yes"));
  EXPECT_THAT(process.output(), Not(HasSubstr("DATABASE_URL")));
}

TEST(SupportProcess, NamesTheMissingProgram) {
  try {
    Process process("no-such-program", {});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no-such-program is missing"));
  }
}

TEST(SupportHttp, ReadsWhatPrometheusAnswers) {
  Prometheus prometheus({});
  EXPECT_EQ(http_get(prometheus.port(), "/-/healthy").status, 200);
  EXPECT_EQ(http_get(prometheus.port(), "/no/such").status, 404);
  const HttpResponse head =
      http_get(prometheus.port(), "/metrics", {.method = "HEAD"});
  EXPECT_EQ(head.body, "");
}

TEST(SupportHttp, FailsWhenNobodyAnswers) {
  const int port = free_port();
  EXPECT_THROW(http_get(port, "/"), std::runtime_error);

  const UniqueFd mute = listen_on(port);
  const HttpRequest request = {.timeout = std::chrono::milliseconds(20)};
  EXPECT_THROW(http_get(port, "/", request), std::runtime_error);
}

TEST(SupportPrometheus, ScrapesAndAnswersQueries) {
  // The second scrapes the first.
  Prometheus first({});
  Prometheus second({{.job = "first", .port = first.port()}});
  ASSERT_TRUE(second.wait_until_scraped(seconds(60))) << second.output();
  EXPECT_EQ(second.query_value("up{job=\"first\"}"), 1.0);
  EXPECT_EQ(second.query_value("no_such_metric"), std::nullopt);
  EXPECT_EQ(second.query("up")[0]["metric"]["job"], "first");
}

TEST(SupportPrometheus, ChecksPages) {
  EXPECT_EQ(promtool_check_metrics("# HELP a_total Help.\n"
                                   "# TYPE a_total counter\n"
                                   "a_total 1\n"),
            "");
  EXPECT_NE(promtool_check_metrics("# TYPE a_total counter\na_total x\n"), "");
  EXPECT_NE(promtool_check_metrics("# TYPE a counter\na 1\n"), "");
}

}  // namespace
}  // namespace dbpool::test
