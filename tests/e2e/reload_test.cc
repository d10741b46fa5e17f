// SIGHUP and POST /-/reload: new settings while the program runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kReloaded = "the settings are reloaded";

std::size_t count_of(const std::string& text, std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos;
       at = text.find(piece, at + 1)) {
    ++count;
  }
  return count;
}

class ReloadTest : public ::testing::Test {
 protected:
  ReloadTest() {
    create_planted_role(postgres_);
    write_password(std::string(kPlantedPassword));
  }

  void write_password(const std::string& password) {
    write_file(dir_.path() + "/password", password);
  }
  void write(const std::string& text) {
    write_file(dir_.path() + "/pools.yml", text);
  }
  // One entry of `pools`, with these settings beside the database.
  std::string pool(const std::string& name, const std::string& settings) {
    return "  " + name +
           ": {host: 127.0.0.1, port: " + std::to_string(postgres_.port()) +
           ", user: planted, database: postgres, password_file: password, " +
           settings + "}\n";
  }
  ExporterOptions options(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), "--config.file=" + dir_.path() + "/pools.yml");
    return {.args = std::move(more)};
  }
  // Sends a SIGHUP and waits until it has been obeyed.
  static void reload(Exporter& exporter, std::string_view word = kReloaded) {
    const std::size_t before = count_of(exporter.output(), word);
    exporter.send_signal(SIGHUP);
    ASSERT_TRUE(eventually(kLiveness, [&] {
      return count_of(exporter.output(), word) > before;
    })) << exporter.output();
  }
  static bool is_up(const MetricsPage& page) {
    return page.sum("dbpool_up") > 0;
  }
  static double failures(const MetricsPage& page) {
    return page.sum("dbpool_workload_failures_total");
  }

  Postgres postgres_;
  const TempDir dir_;
};

TEST_F(ReloadTest, LimitsChangeInPlaceAndCountersGoOn) {
  write("pools:\n" + pool("orders", "pool_max: 3, workload: {rate: 100}"));
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_workload_requests_total") > 50;
  }));
  const double acquires = *exporter.page().value("dbpool_acquires_total");
  const double probes =
      *exporter.page().value("dbpool_probes_total", {{"probe", "select_1"}});
  write("pools:\n" +
        pool("orders",
             "pool_max: 5, pool_min: 4, leak_threshold_ms: 5000, "
             "probe: {select_1: {interval: 500ms}}, workload: {rate: 100}"));
  reload(exporter);
  EXPECT_TRUE(exporter.wait_for_log(
      "pool changed.* pool=orders changed=\"limits, probes\""));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_max_connections"), 5);
  EXPECT_EQ(page.value("dbpool_min_connections"), 4);
  EXPECT_GE(*page.value("dbpool_acquires_total"), acquires);
  EXPECT_GE(*page.value("dbpool_probes_total", {{"probe", "select_1"}}),
            probes);
  EXPECT_TRUE(exporter.eventually_page([&](const MetricsPage& later) {
    return later.value("dbpool_total_connections") >= 4 &&
           later.value("dbpool_probes_total", {{"probe", "select_1"}}) >
               probes + 1;
  }));
  EXPECT_EQ(failures(exporter.page()), 0);
  EXPECT_THAT(exporter.get("/config").body,
              AllOf(HasSubstr("pool_max: 5"), HasSubstr("<secret>")));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ReloadTest, WhatHasNotChangedIsNotTouched) {
  write("pools:\n" + pool("orders", "workload: {clients: 3, think: 1ms}"));
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_workload_requests_total") > 50;
  }));
  reload(exporter);
  EXPECT_THAT(exporter.output(), Not(HasSubstr("pool changed")));
  EXPECT_EQ(exporter.page().sum("dbpool_connections_closed_total"), 0);
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ReloadTest, PoolsAppearAndDisappearDrained) {
  write("pools:\n" + pool("a", "workload: {rate: 50}") +
        pool("b", "workload: {rate: 50, hold: 200ms}"));
  Exporter exporter(options());
  const auto works = [](const std::string& name) {
    return [name](const MetricsPage& page) {
      return page.value("dbpool_workload_requests_total", {{"pool", name}}) >
             20;
    };
  };
  ASSERT_TRUE(exporter.eventually_page(works("b")));
  write("pools:\n" + pool("a", "workload: {rate: 50}") +
        pool("c", "workload: {rate: 50}"));
  reload(exporter);
  EXPECT_TRUE(exporter.wait_for_log("pool removed.* pool=b"));
  EXPECT_TRUE(exporter.eventually_page(works("c")));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.label_values("dbpool_max_connections", "pool"),
            (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(page.sum("dbpool_workload_failures_total", {{"pool", "a"}}), 0);
  EXPECT_EQ(exporter.get("/health").status, 200);
  EXPECT_EQ(exporter.stop(), 0);
  EXPECT_THAT(postgres_.log(), Not(HasSubstr("unexpected EOF")));
}

TEST_F(ReloadTest, AWorkloadChangesWithoutALostRequest) {
  write("pools:\n" + pool("orders",
                          "pool_max: 2, workload: {clients: 8, sql: "
                          "[one=SELECT 1, slow=SELECT pg_sleep(0.05)]}"));
  Exporter exporter(options());
  const auto more_than = [](double count) {
    return [count](const MetricsPage& page) {
      return page.value("dbpool_workload_requests_total",
                        {{"workload", "one"}}) > count;
    };
  };
  ASSERT_TRUE(exporter.eventually_page(more_than(10)));
  const double before = *exporter.page().value("dbpool_workload_requests_total",
                                               {{"workload", "one"}});
  write("pools:\n" + pool("orders",
                          "pool_max: 2, workload: {rate: 20, sql: [one=SELECT "
                          "1, two=SELECT 2]}"));
  reload(exporter);
  EXPECT_TRUE(exporter.eventually_page(more_than(before + 10)));
  EXPECT_EQ(failures(exporter.page()), 0);
  EXPECT_EQ(exporter.page().label_values("dbpool_workload_requests_total",
                                         "workload"),
            (std::set<std::string>{"one", "two"}));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ReloadTest, NewCredentialsReplaceConnectionsWithoutALostRequest) {
  write("pools:\n" + pool("orders",
                          "pool_max: 4, pool_min: 4, workload: {rate: 200}, "
                          "probe: {connect: {interval: 1s}}"));
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_idle_connections") == 4;
  }));
  postgres_.sql("ALTER ROLE planted PASSWORD 'r0tated-pl4nt'");
  write_password("r0tated-pl4nt");
  reload(exporter);
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_connections_closed_total",
                      {{"reason", "reload"}}) == 4 &&
           page.value("dbpool_total_connections") == 4 &&
           page.value("dbpool_up") == 1;
  }));
  EXPECT_EQ(failures(exporter.page()), 0);
  EXPECT_THAT(exporter.output(), Not(HasSubstr("r0tated")));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ReloadTest, ABadFileChangesNothingAndIsTold) {
  write("pools:\n" + pool("orders", "pool_max: 3"));
  Exporter exporter(options({"--web.enable-lifecycle"}));
  EXPECT_EQ(
      exporter.page().value("dbpool_exporter_config_last_reload_successful"),
      1);
  const double success = *exporter.page().value(
      "dbpool_exporter_config_last_reload_success_timestamp_seconds");
  write("pools:\n" + pool("orders", "pool_mx: 9, url: 'pl4nt'"));
  reload(exporter, "the settings are not reloaded");
  EXPECT_TRUE(exporter.wait_for_log("not reloaded.*unknown key"));
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_exporter_config_last_reload_successful"), 0);
  EXPECT_EQ(page.value(
                "dbpool_exporter_config_last_reload_success_timestamp_seconds"),
            success);
  EXPECT_EQ(page.value("dbpool_max_connections"), 3);
  EXPECT_EQ(exporter.get("/-/ready").status, 200);
  HttpRequest post;
  post.method = "POST";
  const HttpResponse refused = exporter.get("/-/reload", post);
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, HasSubstr("pools.yml:2: pools: orders: "));
  write("pools:\n" + pool("orders", "pool_max: 9"));
  EXPECT_TRUE(eventually(kLiveness, [&] {
    return exporter.get("/-/reload", post).status == 200;
  }));
  EXPECT_EQ(exporter.page().value("dbpool_max_connections"), 9);
  EXPECT_EQ(
      exporter.page().value("dbpool_exporter_config_last_reload_successful"),
      1);
}

TEST_F(ReloadTest, ReloadsByHttpAreOptInAndFew) {
  write("pools:\n" + pool("orders", "pool_max: 3"));
  HttpRequest post;
  post.method = "POST";
  Exporter closed(options());
  const HttpResponse none = closed.get("/-/reload", post);
  EXPECT_EQ(none.status, 404);
  EXPECT_THAT(none.body, HasSubstr("--web.enable-lifecycle"));
  Exporter open(options({"--web.enable-lifecycle"}));
  EXPECT_EQ(open.get("/-/reload").status, 405);
  // Of two at once one comes too early, unless the machine stood still.
  EXPECT_TRUE(eventually(kLiveness, [&] {
    (void)open.get("/-/reload", post);
    const HttpResponse second = open.get("/-/reload", post);
    return second.status == 429;
  }));
}

TEST_F(ReloadTest, WhatNeedsARestartIsSaid) {
  write("web: {max_requests: 40}\npools:\n" + pool("orders", "pool_max: 3"));
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page(is_up));
  write("web: {max_requests: 50}\npools:\n" + pool("orders", "pool_max: 4"));
  reload(exporter);
  EXPECT_TRUE(exporter.wait_for_log(
      "needs a restart.* setting=--web.max-requests in_force=40 given=50"));
  EXPECT_EQ(exporter.page().value("dbpool_max_connections"), 4);
}

TEST_F(ReloadTest, VariablesAloneAreReadAnewWithTheFilesTheyName) {
  write_file(dir_.path() + "/url", planted_url(postgres_));
  Exporter exporter({.env = {{"DATABASE_URL_FILE", dir_.path() + "/url"},
                             {"DB_POOL_MIN", "1"}}});
  ASSERT_TRUE(exporter.eventually_page(is_up));
  write_file(dir_.path() + "/url",
             planted_url(postgres_) + "?application_name=other");
  reload(exporter);
  EXPECT_TRUE(eventually(kLiveness, [&] {
    return postgres_.sql_value(
               "SELECT count(*) > 0 FROM pg_stat_activity WHERE "
               "application_name = 'other'") == "t";
  }));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ReloadTest, TwoHundredReloadsUnderLoadLoseNothing) {
  const std::string steady =
      pool("steady", "pool_max: 4, workload: {rate: 200}");
  const std::vector<std::string> files = {
      "pools:\n" + steady +
          pool("odd", "pool_max: 3, workload: {clients: 2, think: 5ms}"),
      "pools:\n" +
          pool("steady",
               "pool_max: 6, leak_threshold_ms: 30000, workload: {rate: 200, "
               "sql: [other=SELECT 2]}"),
      "pools:\n" + steady +
          pool("odd", "pool_max: 2, workload: {clients: 3, think: 5ms}")};
  write(files[0]);
  Exporter exporter(options());
  ASSERT_TRUE(exporter.eventually_page(is_up));
  MetricsPage level("");
  for (std::size_t i = 1; i <= 200; ++i) {
    write(files[i % files.size()]);
    reload(exporter);
    if (i == 50) level = exporter.page();
  }
  write(files[0]);
  reload(exporter);
  EXPECT_EQ(failures(exporter.page()), 0);
  // What left is gone a moment later.
  const auto is_level = [&](const MetricsPage& page) {
    const auto grown = [&](const std::string& name) {
      return *page.value(name) - *level.value(name);
    };
    return grown("process_threads") <= 2 && grown("process_open_fds") <= 8 &&
           grown("process_resident_memory_bytes") < 16.0 * 1024 * 1024;
  };
  EXPECT_TRUE(exporter.eventually_page(is_level)) << exporter.page().text();
  EXPECT_EQ(exporter.stop(), 0);
  EXPECT_THAT(postgres_.log(), Not(HasSubstr("too many clients")));
}

}  // namespace
}  // namespace dbpool::test
