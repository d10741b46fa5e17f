// /probe without HTTP: targets in this process, against a real PostgreSQL.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/settings/settings.h"
#include "exporter/targets/targets.h"
#include "tests/e2e/metrics_page.h"
#include "tests/e2e/targets_fixture.h"
#include "tests/integration/fake_server.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

using exporter::Logger;
using exporter::LogLevel;
using exporter::ModuleSettings;
using exporter::ProbeAnswer;
using exporter::ProbeOutcome;
using exporter::ProbeRequest;
using exporter::TargetAddresses;
using exporter::Targets;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Texts = std::vector<std::string>;

std::vector<ModuleSettings> modules_of(const std::string& text) {
  const TempDir dir;
  write_file(dir.path() + "/file.yml", "modules:\n" + text);
  auto settings = exporter::load_settings(
      {"--config.file=" + dir.path() + "/file.yml"}, {});
  if (settings) return std::move(settings->modules);
  ADD_FAILURE() << ::testing::PrintToString(settings.error().errors);
  return {};
}

// A resolver that knows what it is told.
Targets::Resolve knows(Texts addresses) {
  return [addresses = std::move(addresses)](
             const std::string&, TimePoint,
             const std::stop_token&) -> TargetAddresses { return addresses; };
}

class TargetsTest : public ::testing::Test {
 protected:
  TargetsTest() { create_planted_role(postgres_); }

  void use(const std::string& text, std::uint32_t most_under_way = 10,
           Targets::Resolve resolve = dbpool::resolve) {
    targets_ =
        std::make_unique<Targets>(most_under_way, log_, std::move(resolve));
    targets_->set_modules(modules_of(text));
  }
  ProbeAnswer probe(const std::string& target,
                    std::chrono::milliseconds timeout = kLiveness) {
    ProbeAnswer answer = targets_->probe({target, {}, false, timeout});
    expect_no_secret(answer.text, "an answer");
    return answer;
  }
  MetricsPage page(const std::string& target,
                   std::chrono::milliseconds timeout = kLiveness) {
    const ProbeAnswer answer = probe(target, timeout);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return MetricsPage(answer.status == 200 ? answer.text : "");
  }
  std::string here() const { return target_text(postgres_.port()); }

  Logger log_{{.level = LogLevel::kError}};
  Postgres postgres_;
  std::unique_ptr<Targets> targets_;
};

TEST_F(TargetsTest, ATargetThatIsUpIsToldWithAllThatItsProbesFind) {
  use(module_text("fleet",
                  ", custom_probes: {one: {sql: \"SELECT 7 AS seven\", values: "
                  "{seven: {}}}}"));
  const MetricsPage found = page(here());
  EXPECT_EQ(found.value("dbpool_up"), 1);
  for (const char* probe : {"connect", "server", "one"}) {
    EXPECT_EQ(found.value("dbpool_probe_success", {{"probe", probe}}), 1);
    EXPECT_EQ(
        found.value("dbpool_probe_duration_seconds_count", {{"probe", probe}}),
        1);
  }
  EXPECT_EQ(found.value("dbpool_probe_value", {{"column", "seven"}}), 7);
  EXPECT_GT(found.value("dbpool_server_max_connections"), 0);
  EXPECT_GT(
      found.value("dbpool_probe_connect_phase_seconds", {{"phase", "auth"}}),
      0);
  EXPECT_EQ(found.value("dbpool_total_connections"), 1);
  EXPECT_EQ(found.value("dbpool_max_connections"), 2);
  EXPECT_EQ(found.value("dbpool_pool_info", {{"host", "127.0.0.1"},
                                             {"database", "postgres"},
                                             {"user", "planted"}}),
            1);
  for (const auto& sample : found.samples()) {
    EXPECT_EQ(sample.labels.at("pool"), "fleet") << sample.name;
    EXPECT_FALSE(sample.labels.contains("target")) << sample.name;
  }
}

TEST_F(TargetsTest, ItsPoolAndItsCountersAreKept) {
  use(module_text("fleet"));
  page(here());
  const MetricsPage second = page(here());
  EXPECT_EQ(second.value("dbpool_connections_opened_total"), 1);
  EXPECT_EQ(second.value("dbpool_probes_total", {{"probe", "server"}}), 2);
  // Another database is another target.
  const std::string other =
      target_text(postgres_.port(), postgres_.create_database());
  EXPECT_EQ(page(other).value("dbpool_probes_total", {{"probe", "server"}}), 1);
  EXPECT_EQ(planted_sessions(postgres_), 2);
}

TEST_F(TargetsTest, ATargetThatIsDownIsToldAsDown) {
  use(module_text("fleet"));
  const MetricsPage found = page(target_text(free_port()));
  EXPECT_EQ(found.value("dbpool_up"), 0);
  EXPECT_EQ(found.sum("dbpool_probe_success"), 0);
  EXPECT_EQ(found.value("dbpool_probe_failures_total",
                        {{"probe", "connect"}, {"reason", "refused"}}),
            1);
  EXPECT_EQ(found.value("dbpool_probe_failures_total",
                        {{"probe", "server"}, {"reason", "backend_down"}}),
            1);
  EXPECT_EQ(found.type("dbpool_server_max_connections"), "");
  const auto results = targets_->results();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].outcome, ProbeOutcome::kDown);
  EXPECT_THAT(results[0].why, HasSubstr("refused"));
}

TEST_F(TargetsTest, ATargetComesBack) {
  Postgres server;
  use(module_text("fleet", ", probes: [select_1]"));
  create_planted_role(server);
  const std::string target = target_text(server.port());
  EXPECT_EQ(page(target).value("dbpool_up"), 1);
  server.stop();
  EXPECT_TRUE(eventually(kLiveness,
                         [&] { return page(target).value("dbpool_up") == 0; }));
  server.start();
  EXPECT_TRUE(eventually(kLiveness, [&] {
    return page(target).value("dbpool_up") == 1;
  })) << targets_->results().at(0).why;
}

TEST_F(TargetsTest, WhatWasReadBeforeIsNotToldOfATargetThatIsDown) {
  Postgres server;
  create_planted_role(server);
  use(module_text("fleet",
                  ", custom_probes: {one: {sql: \"SELECT 7 AS seven\", values: "
                  "{seven: {}}}}"));
  const std::string target = target_text(server.port());
  EXPECT_EQ(page(target).value("dbpool_probe_value"), 7);
  server.stop();
  const MetricsPage found = page(target);
  EXPECT_EQ(found.value("dbpool_up"), 0);
  for (const char* name :
       {"dbpool_probe_value", "dbpool_server_max_connections",
        "dbpool_probe_connect_phase_seconds"}) {
    EXPECT_EQ(found.type(name), "") << name;
  }
}

TEST_F(TargetsTest, AProbeThatFailsDoesNotMakeItsTargetDown) {
  use(module_text("fleet", ", custom_probes: {bad: {sql: SELECT nothing}}"));
  const MetricsPage found = page(here());
  EXPECT_EQ(found.value("dbpool_up"), 1);
  EXPECT_EQ(found.value("dbpool_probe_success", {{"probe", "bad"}}), 0);
  EXPECT_EQ(targets_->results().at(0).outcome, ProbeOutcome::kFailed);
}

TEST_F(TargetsTest, WithoutTheConnectProbeAStatementTellsWhetherItIsUp) {
  use(module_text("fleet", ", probes: [select_1], max_connections: 1"));
  page(here());
  EXPECT_EQ(page(here()).value("dbpool_up"), 1);
  EXPECT_EQ(page(target_text(free_port())).value("dbpool_up"), 0);
}

TEST_F(TargetsTest, TheConnectionGoesToTheAddressThatWasChecked) {
  // Nobody else knows the name: there is no second look at it.
  use(module_text("fleet"), 10, knows({"8.8.8.8", "127.0.0.1"}));
  const std::string target = "db.test:" + std::to_string(postgres_.port());
  const MetricsPage found = page(target);
  EXPECT_EQ(found.value("dbpool_up"), 1);
  EXPECT_EQ(found.value("dbpool_pool_info", {{"host", "db.test"}}), 1);
}

TEST_F(TargetsTest, ANameWithForbiddenAddressesAloneIsNotConnectedTo) {
  const BlackHole listener;
  const std::string target = "db.test:" + std::to_string(listener.port());
  const std::string text =
      "  fleet: {user: planted, targets: {hosts: [\"*.test\"]}}\n";
  for (const Texts& addresses :
       {Texts{"127.0.0.1"}, Texts{"::1", "0.0.0.0"}, Texts{"::ffff:127.0.0.1"},
        Texts{"169.254.169.254"}, Texts{}}) {
    use(text, 10, knows(addresses));
    const ProbeAnswer answer = probe(target);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.text, HasSubstr("no address that is allowed"));
  }
  EXPECT_FALSE(listener.has_client());
}

TEST_F(TargetsTest, ANameThatIsReboundIsCheckedAnew) {
  const BlackHole listener;
  auto addresses = std::make_shared<Texts>(Texts{"127.0.0.1"});
  use("  fleet: {user: planted, password: " + std::string(kPlantedPassword) +
          ", database: postgres, targets: {hosts: [\"*.test\"], networks: "
          "[127.0.0.1], allow_loopback: true}}\n",
      10,
      [addresses](const std::string&, TimePoint, const std::stop_token&)
          -> TargetAddresses { return *addresses; });
  const std::string target = "db.test:" + std::to_string(postgres_.port());
  EXPECT_EQ(page(target).value("dbpool_up"), 1);
  *addresses = {"127.0.0.2"};
  EXPECT_EQ(probe(target).status, 400);
  *addresses = {"127.0.0.2", "127.0.0.1"};
  EXPECT_EQ(page(target).value("dbpool_up"), 1);
}

TEST_F(TargetsTest, ANameThatHasNoAddressIsDownAndNotKept) {
  use(module_text("fleet"), 10,
      [](const std::string&, TimePoint,
         const std::stop_token&) -> TargetAddresses {
        return Unexpected(Error{.kind = ErrorKind::kConnect,
                                .connect_failure = ConnectFailure::kResolve,
                                .message = "no such name"});
      });
  EXPECT_EQ(page("db.test").value("dbpool_up"), 0);
  class Sink final : public metrics::Sink {
   public:
    void add(const metrics::MetricInfo& info, metrics::Labels,
             double value) override {
      if (&info == &metrics::kProbeTargets) kept = value;
    }
    void add(const metrics::MetricInfo&, metrics::Labels,
             const HistogramSnapshot&) override {}
    double kept = -1;
  } sink;
  targets_->tell(sink);
  EXPECT_EQ(sink.kept, 0);
}

TEST_F(TargetsTest, WhatIsNotAllowedIsNeitherResolvedNorConnectedTo) {
  const BlackHole listener;
  use("  fleet: {user: planted, password: " + std::string(kPlantedPassword) +
          ", targets: {hosts: [\"*.test\"], networks: [10.0.0.0/8], "
          "allow_loopback: true, allow_link_local: true}}\n",
      10,
      [](const std::string& name, TimePoint,
         const std::stop_token&) -> TargetAddresses {
        ADD_FAILURE() << name << " was resolved";
        return Texts{"127.0.0.1"};
      });
  for (const std::string& target : attacks_on(listener.port())) {
    const ProbeAnswer answer = probe(target);
    EXPECT_EQ(answer.status, 400) << target << ": " << answer.text;
    EXPECT_THAT(answer.text, HasSubstr("400: target: "));
    EXPECT_EQ(answer.text.find('\n'), answer.text.size() - 1) << answer.text;
  }
  EXPECT_FALSE(listener.has_client());
}

TEST_F(TargetsTest, AModuleThatThereIsNotIsRefused) {
  use(module_text("a") + module_text("b"));
  for (const std::optional<std::string>& module :
       {std::optional<std::string>("c"), std::optional<std::string>(""),
        std::optional<std::string>("a\n"), std::optional<std::string>()}) {
    const ProbeAnswer answer = targets_->probe({here(), module});
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.text, HasSubstr("400: module: "));
  }
  EXPECT_EQ(targets_->probe({here(), "b"}).status, 200);
}

TEST_F(TargetsTest, AStatementIsCancelledOnTheServerInTime) {
  use(module_text(
      "fleet",
      ", custom_probes: {slow: {sql: SELECT pg_sleep(3600)}, after: "
      "{sql: SELECT 1}}"));
  const MetricsPage found = page(here(), std::chrono::seconds(2));
  EXPECT_EQ(found.value("dbpool_up"), 1);
  EXPECT_EQ(found.value("dbpool_probe_failures_total",
                        {{"probe", "slow"}, {"reason", "statement_timeout"}}),
            1);
  EXPECT_EQ(found.value("dbpool_probe_success", {{"probe", "after"}}), 0);
  EXPECT_TRUE(eventually(kLiveness, [&] {
    return postgres_.sql_value(
               "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
               "AND usename = 'planted'") == "0";
  }));
}

TEST_F(TargetsTest, ATargetThatSaysNothingTakesItsTimeAndNoMore) {
  const BlackHole hole;
  use(module_text("fleet", ", timeout: 300ms"));
  const MetricsPage found = page(target_text(hole.port()));
  EXPECT_EQ(found.value("dbpool_up"), 0);
  EXPECT_EQ(found.value("dbpool_probe_failures_total",
                        {{"probe", "connect"}, {"reason", "timeout"}}),
            1);
}

// A server that lets everybody in and answers each statement with one value.
class ServerOfOneValue {
 public:
  int port() const { return server_.port(); }

 private:
  static std::string message(char type, const std::string& body) {
    const auto size = static_cast<std::uint32_t>(body.size() + 4);
    std::string text(1, type);
    for (int shift = 24; shift >= 0; shift -= 8) {
      text += static_cast<char>(size >> shift & 0xff);
    }
    return text + body;
  }
  static std::string ready() { return message('Z', "I"); }
  static std::string bytes(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) text += static_cast<char>(value);
    return text;
  }
  static std::string columns() {
    return message('T', bytes({0, 1, 'v', 0, 0, 0,  0,  0,  0,  0, 0,
                               0, 0, 23,  0, 4, -1, -1, -1, -1, 0, 0}));
  }
  static std::string row() {
    return message('D', bytes({0, 1, 0, 0, 0, 1, '7'})) +
           message('C', std::string("SELECT 1") + '\0');
  }
  static std::string answer_to(char type, const std::string& body) {
    switch (type) {
      case 'Q':
        return columns() + row() + ready();
      case 'P':
        return message('1', "");
      case 'B':
        return message('2', "");
      case 'C':
        return message('3', "");
      case 'D':
        return (body.starts_with('S') ? message('t', bytes({0, 0})) : "") +
               columns();
      case 'E':
        return row();
      case 'S':
        return ready();
      default:
        return "";
    }
  }
  static void serve(int client, const std::string&) {
    FakeServer::send(client, message('R', bytes({0, 0, 0, 0})) +
                                 message('K', bytes({0, 0, 0, 7, 0, 0, 0, 7})) +
                                 ready());
    std::string taken;
    std::array<char, 4096> buffer;
    for (;;) {
      const auto count = ::recv(client, buffer.data(), buffer.size(), 0);
      if (count <= 0) return;
      taken.append(buffer.data(), static_cast<std::size_t>(count));
      std::string answer;
      while (taken.size() >= 5) {
        std::size_t size = 0;
        for (std::size_t i = 1; i < 5; ++i) {
          size = size << 8 | static_cast<unsigned char>(taken[i]);
        }
        if (taken.size() < size + 1) break;
        answer += answer_to(taken[0], taken.substr(5, size - 4));
        taken.erase(0, size + 1);
      }
      FakeServer::send(client, answer);
    }
  }

  FakeServer server_{&ServerOfOneValue::serve};
};

TEST_F(TargetsTest, AServerThatAnswersSomethingElseFailsItsProbesAlone) {
  const ServerOfOneValue odd;
  use(module_text("fleet",
                  ", custom_probes: {role: {sql: SELECT 1, role: primary}}"));
  const MetricsPage found = page(target_text(odd.port()));
  EXPECT_EQ(found.value("dbpool_probe_success", {{"probe", "server"}}), 0);
  EXPECT_EQ(found.value("dbpool_probe_success", {{"probe", "role"}}), 0);
  targets_->stop();  // it serves until they go
}

TEST_F(TargetsTest, NoMoreAreUnderWayThanMayBe) {
  BlackHole hole;
  use(module_text("fleet"), 1);
  auto first = std::async(std::launch::async,
                          [&] { return probe(target_text(hole.port())); });
  hole.wait_for_client();
  const ProbeAnswer second = probe(here());
  EXPECT_EQ(second.status, 503);
  EXPECT_THAT(second.text, HasSubstr("too many probes"));
  targets_->stop();
  EXPECT_EQ(first.get().status, 503);
  EXPECT_EQ(probe(here()).status, 503);
}

TEST_F(TargetsTest, TargetsThatDoNotAnswerLeaveRoomForThoseThatDo) {
  BlackHole one;
  const BlackHole two;
  use(module_text("fleet"), 2);
  const auto soon = std::chrono::milliseconds(200);
  EXPECT_EQ(page(target_text(one.port()), soon).value("dbpool_up"), 0);
  EXPECT_EQ(page(target_text(two.port()), soon).value("dbpool_up"), 0);
  one.wait_for_client();
  auto under_way = std::async(std::launch::async,
                              [&] { return probe(target_text(one.port())); });
  one.wait_for_client();
  EXPECT_THAT(probe(target_text(two.port())).text,
              HasSubstr("503: too many probes of targets that do not answer"));
  EXPECT_THAT(probe(target_text(two.port(), "made_up")).text,
              HasSubstr("503: too many probes of targets that do not answer"));
  EXPECT_EQ(page(here()).value("dbpool_up"), 1);
  targets_->stop();
  under_way.get();
}

TEST_F(TargetsTest, ProbesOfOneTargetAtOnceTakeTurns) {
  use(module_text("fleet",
                  ", custom_probes: {one: {sql: SELECT pg_sleep(0.1)}}"));
  std::vector<std::future<MetricsPage>> pages;
  for (int i = 0; i < 4; ++i) {
    pages.push_back(
        std::async(std::launch::async, [&] { return page(here()); }));
  }
  for (auto& each : pages) EXPECT_EQ(each.get().value("dbpool_up"), 1);
  const MetricsPage last = page(here());
  EXPECT_EQ(last.value("dbpool_probes_total", {{"probe", "one"}}), 5);
  EXPECT_EQ(last.value("dbpool_connections_opened_total"), 1);
}

TEST_F(TargetsTest, ATargetThatNobodyAsksForIsDropped) {
  use(module_text("fleet", ", keep: 1s"));
  page(here());
  EXPECT_TRUE(
      eventually(kLiveness, [&] { return planted_sessions(postgres_) == 0; }));
  EXPECT_EQ(page(here()).value("dbpool_probes_total", {{"probe", "server"}}),
            1);
}

TEST_F(TargetsTest, TheTargetsKeptAreBoundedAndThoseDownGiveWay) {
  use(module_text("fleet", ", max_targets: 1"));
  const int nobody = free_port();
  EXPECT_EQ(page(target_text(nobody)).value("dbpool_up"), 0);
  EXPECT_EQ(page(here()).value("dbpool_up"), 1);
  const ProbeAnswer answer = probe(target_text(nobody));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.text, HasSubstr("keeps too many targets"));
  EXPECT_EQ(page(here()).value("dbpool_up"), 1);
}

TEST_F(TargetsTest, AModuleThatChangesDropsItsTargetsAndAnotherDoesNot) {
  use(module_text("a") + module_text("b"));
  const auto probes = [&](const std::string& module) {
    return *MetricsPage(targets_->probe({here(), module}).text)
                .value("dbpool_probes_total", {{"probe", "connect"}});
  };
  EXPECT_EQ(probes("a"), 1);
  EXPECT_EQ(probes("b"), 1);
  targets_->set_modules(
      modules_of(module_text("a", ", max_connections: 3") + module_text("b")));
  EXPECT_EQ(probes("a"), 1);
  EXPECT_EQ(probes("b"), 2);
  targets_->set_modules(modules_of(module_text("a", ", max_connections: 3")));
  EXPECT_EQ(targets_->probe({here(), "b"}).status, 400);
  EXPECT_TRUE(
      eventually(kLiveness, [&] { return planted_sessions(postgres_) == 1; }));
}

TEST_F(TargetsTest, TheEndLeavesNoConnection) {
  use(module_text("fleet"));
  page(here());
  targets_->stop();
  EXPECT_TRUE(
      eventually(kLiveness, [&] { return planted_sessions(postgres_) == 0; }));
}

TEST_F(TargetsTest, TheStoryTellsEachStepAndNoSecret) {
  use(module_text("fleet", ", custom_probes: {bad: {sql: \"SELECT '" +
                               std::string(kPlantedPassword) + "'::int\"}}"));
  const ProbeAnswer answer = targets_->probe(
      {"localhost:" + std::to_string(postgres_.port()), {}, true, kLiveness});
  expect_no_secret(answer.text, "the story");
  EXPECT_THAT(answer.text,
              AllOf(HasSubstr("module fleet, target localhost:"),
                    HasSubstr("addresses: "), HasSubstr("; allowed: "),
                    HasSubstr("probe connect succeeds, in "),
                    HasSubstr("; auth "), HasSubstr("probe bad fails: "),
                    HasSubstr("failed: probe bad"), HasSubstr("dbpool_up")));
  EXPECT_EQ(MetricsPage(answer.text).value("dbpool_up"), 1);
  const ProbeAnswer refused = targets_->probe({"8.8.8.8", {}, true});
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.text, HasSubstr("refused: target: not allowed"));
}

TEST_F(TargetsTest, AWrongPasswordIsToldWithoutIt) {
  use("  fleet: {user: planted, password: pl4nt-S3cret-x, targets: {networks: "
      "[127.0.0.0/8], allow_loopback: true}}\n");
  const MetricsPage found = page(here());
  EXPECT_EQ(found.value("dbpool_probe_failures_total",
                        {{"probe", "connect"}, {"reason", "auth"}}),
            1);
  const auto results = targets_->results();
  expect_no_secret(results.at(0).why, "the results");
}

TEST_F(TargetsTest, TheLastHundredResultsAreKept) {
  use(module_text("fleet"));
  for (int i = 0; i < 103; ++i) {
    probe("no.such.host.example:" + std::to_string(i + 1));
  }
  const auto results = targets_->results();
  ASSERT_EQ(results.size(), 100U);
  EXPECT_EQ(results[0].target, "no.such.host.example:103/postgres");
  EXPECT_EQ(results[0].outcome, ProbeOutcome::kRefused);
}

}  // namespace
}  // namespace dbpool::test
