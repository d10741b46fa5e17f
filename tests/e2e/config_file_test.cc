// --config.file and --config.check, on the program as it is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/net.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConfigFileTest : public ::testing::Test {
 protected:
  std::string path() const { return dir_.path() + "/pools.yml"; }

  // The program with the file of `text`.
  ExporterOptions with(const std::string& text,
                       std::vector<std::string> more = {}) const {
    write_file(path(), text);
    more.insert(more.begin(), "--config.file=" + path());
    return {.args = std::move(more)};
  }

  void expect_one_line(ExporterOptions options, const std::string& piece) {
    Exporter exporter(std::move(options));
    EXPECT_EQ(exporter.wait(), 2);
    EXPECT_THAT(lines_of(exporter.output()), ElementsAre(HasSubstr(piece)));
  }

  const TempDir dir_;
};

TEST_F(ConfigFileTest, EachPoolOfTheFileHasItsMetrics) {
  const Postgres postgres;
  create_planted_role(postgres);
  const std::string port = std::to_string(postgres.port());
  write_file(dir_.path() + "/password", std::string(kPlantedPassword) + "\n");
  Exporter exporter(with(
      "log: {level: warn}\n"
      "pools:\n"
      "  orders:\n"
      "    {host: 127.0.0.1, port: " +
          port +
          ", user: planted,\n"
          "     database: postgres, password_file: password, pool_max: 3}\n"
          "  reports:\n"
          "    url: " +
          planted_url(postgres) +
          "\n"
          "    pool_max: 4\n"
          "    workload: {rate: 50, sql: [one=SELECT 1]}\n",
      {"--db.pool-min=1", "--log.level=info"}));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_up", {{"pool", "orders"}}) == 1 &&
           page.value("dbpool_up", {{"pool", "reports"}}) == 1 &&
           page.value("dbpool_workload_requests_total",
                      {{"pool", "reports"}, {"workload", "one"}}) > 0;
  }));
  const MetricsPage page = exporter.page();
  for (const auto& [name, most] : {std::pair("orders", 3), {"reports", 4}}) {
    EXPECT_EQ(page.value("dbpool_max_connections", {{"pool", name}}), most);
    EXPECT_EQ(page.value("dbpool_min_connections", {{"pool", name}}), 1);
  }
  EXPECT_TRUE(
      exporter.wait_for_log("settings in force.* pool=orders DB_POOL_MAX=3"));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ConfigFileTest, ACustomProbeHasItsMetrics) {
  const Postgres postgres;
  create_planted_role(postgres);
  Exporter exporter(
      with("pools:\n"
           "  orders:\n"
           "    url: " +
           planted_url(postgres) +
           "\n"
           "    custom_probes:\n"
           "      answer: {sql: SELECT $1::int AS v, parameters: [42],\n"
           "               values: {v: {max: 42}}, interval: 100ms}\n"
           "      replica: {sql: SELECT 1, role: standby, interval: 100ms}\n"));
  EXPECT_TRUE(exporter.eventually_page([](const MetricsPage& page) {
    return page.value("dbpool_probe_value", {{"pool", "orders"},
                                             {"probe", "answer"},
                                             {"column", "v"}}) == 42 &&
           page.value("dbpool_probe_failures_total", {{"pool", "orders"},
                                                      {"probe", "replica"},
                                                      {"reason", "role"}}) > 0;
  }));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ConfigFileTest, AMistakeEndsTheStartWithOneLine) {
  expect_one_line(with("pools:\n  a:\n    url: host=h\n    pool_mx: 3\n"),
                  "pools.yml:4: pools: a: unknown key \"pool_mx\"; the "
                  "nearest known one is pool_max");
  expect_one_line(
      with("pools:\n  a:\n    url: host=h\n    pool_max: [3]\n"),
      "pools.yml:4: pools: a: pool_max: a list was given; expected");
  expect_one_line(with("pools:\n  a: {url: host=h}\n  a: {}\n"),
                  "pools.yml:3: pools: \"a\" is given twice");
  expect_one_line(
      with("pools:\n  a: {url: 'postgresql://u:pl4nt@[::1/S3cret'}\n"),
      "pools.yml:2: pools: a: url: ");
}

TEST_F(ConfigFileTest, AHostileFileEndsTheStartWithOneLine) {
  std::string bomb = "a: &a [x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    const std::string before = std::string("*") + static_cast<char>(c - 1);
    bomb +=
        std::string(1, c) + ": &" + c + " [" + before + ", " + before + "]\n";
  }
  expect_one_line(with(bomb), "pools.yml:1: unknown key \"a\"");
  expect_one_line(with(std::string(100'000'000, '#')), "larger than 64 KiB");
  expect_one_line(with(std::string(60'000, '[')), "nested too deep");
  expect_one_line(with("log: {level: \"\xff\"}\n"),
                  "pools.yml:1: is not UTF-8");
  expect_one_line({.args = {"--config.file=" + dir_.path()}}, "Is a directory");
  const std::string pipe = dir_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  expect_one_line({.args = {"--config.file=" + pipe}}, "is a pipe");
}

TEST_F(ConfigFileTest, ACheckTellsThatTheSettingsAreGoodAndStartsNothing) {
  const int port = free_port();
  const UniqueFd taken = listen_on(port);
  ExporterOptions options =
      with("web: {listen_address: ['127.0.0.1:" + std::to_string(port) +
               "']}\npools:\n  a: {url: host=127.0.0.1 port=1}\n",
           {"--config.check"});
  options.listen = false;
  Exporter good(std::move(options));
  EXPECT_EQ(good.wait(), 0);
  EXPECT_THAT(lines_of(good.output()), ElementsAre("the settings are good"));
}

TEST_F(ConfigFileTest, ACheckTellsEveryMistake) {
  Exporter bad(
      with("log: {level: loud}\npools:\n  a:\n    url: host=h\n"
           "    pool_max: x\n",
           {"--config.check"}));
  EXPECT_EQ(bad.wait(), 2);
  EXPECT_THAT(lines_of(bad.output()),
              ElementsAre(HasSubstr("pools.yml:1: log: level=\"loud\""),
                          HasSubstr("pools.yml:5: pools: a: pool_max=\"x\"")));
  write_file(dir_.path() + "/web.yml", "tls_server_confg: {}\n");
  Exporter web(
      with("web: {config: {file: web.yml}}\n"
           "pools: {a: {url: host=h}}\n",
           {"--config.check"}));
  EXPECT_EQ(web.wait(), 2);
  EXPECT_THAT(lines_of(web.output()),
              ElementsAre(AllOf(HasSubstr("web.yml:1: unknown key"),
                                HasSubstr("tls_server_config"))));
}

TEST_F(ConfigFileTest, ASecretThatAVariableGivesIsShownNowhere) {
  ExporterOptions options = with(
      "pools:\n"
      "  a:\n"
      "    {host: 127.0.0.1, port: " +
          std::to_string(free_port()) +
          ",\n"
          "     user: planted, password: '${OF_A}'}\n",
      {"--debug.dumpable=true", "--log.level=debug"});
  options.env = {{"OF_A", std::string(kPlantedPassword)}};
  Exporter exporter(std::move(options));
  EXPECT_TRUE(exporter.eventually_page(
      [](const MetricsPage& page) { return page.value("dbpool_up") == 0; }));
  for (const char* route : {"/", "/health", "/stats", "/debug/pools"}) {
    exporter.get(route);
  }
  expect_no_secret(
      read_file("/proc/" + std::to_string(exporter.pid()) + "/environ"),
      "the environment");
  EXPECT_EQ(exporter.stop(), 0);

  ExporterOptions wrong =
      with("pools: {a: {url: host=h, pool_max: '${OF_A}'}}\n");
  wrong.env = {{"OF_A", std::string(kPlantedPassword)}};
  expect_one_line(std::move(wrong), "pool_max=\"${OF_A}\"");
}

}  // namespace
}  // namespace dbpool::test
