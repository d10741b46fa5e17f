// /probe of the program: what Prometheus gets, what an attacker does not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/e2e/targets_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/prometheus.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string percent_encoded(const std::string& text) {
  std::string result;
  for (const char c : text) {
    std::array<char, 4> code{};
    std::snprintf(code.data(), code.size(), "%%%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    result += code.data();
  }
  return result;
}

class ProbeRouteTest : public ::testing::Test {
 protected:
  ProbeRouteTest() {
    create_planted_role(postgres_);
    write(module_text("fleet"));
  }

  void write(const std::string& modules) {
    write_file(dir_.path() + "/file.yml", "modules:\n" + modules);
  }
  ExporterOptions options(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), "--config.file=" + dir_.path() + "/file.yml");
    return {.args = std::move(more)};
  }
  static HttpResponse probe(Exporter& exporter, const std::string& target,
                            const std::string& more = "",
                            const std::string& timeout = "30") {
    return exporter.get(
        "/probe?target=" + percent_encoded(target) + more,
        {.headers = {{"X-Prometheus-Scrape-Timeout-Seconds", timeout}}});
  }
  std::string here() const { return target_text(postgres_.port()); }

  Postgres postgres_;
  const TempDir dir_;
};

TEST_F(ProbeRouteTest, AnExporterOfModulesAloneAnswersForItsTargets) {
  Exporter exporter(options());
  const HttpResponse response = probe(exporter, here(), "&module=fleet");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(promtool_check_metrics(response.body), "");
  EXPECT_EQ(MetricsPage(response.body).value("dbpool_up"), 1);
  const MetricsPage page = exporter.page();
  EXPECT_EQ(page.value("dbpool_exporter_probe_targets", {{"module", "fleet"}}),
            1);
  EXPECT_EQ(page.value("dbpool_exporter_probe_requests_total",
                       {{"module", "fleet"}, {"outcome", "success"}}),
            1);
  EXPECT_EQ(page.value("dbpool_exporter_probe_requests_total",
                       {{"module", "fleet"}, {"outcome", "busy"}}),
            0);
  for (const char* path : {"/", "/health", "/stats", "/debug/pools", "/config",
                           "/live.json", "/-/ready"}) {
    EXPECT_EQ(exporter.get(path).status, 200) << path;
  }
  EXPECT_THAT(exporter.get("/").body, HasSubstr("/probe/results"));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ProbeRouteTest, TheResultsAreATableThatShowsNoMarkup) {
  Exporter exporter(options());
  probe(exporter, here());
  probe(exporter, target_text(free_port()));
  probe(exporter, "<b>x</b>");
  probe(exporter, "user:s3cret@db");
  const std::string page = exporter.get("/probe/results").body;
  EXPECT_THAT(page,
              AllOf(HasSubstr("<td>fleet</td><td>" + here()),
                    HasSubstr("<td>success</td>"), HasSubstr("<td>down</td>"),
                    HasSubstr("<td>refused</td>"), Not(HasSubstr("<b>")),
                    Not(HasSubstr("s3cret"))));
}

TEST_F(ProbeRouteTest, ABadRequestIsToldInOneLine) {
  Exporter exporter(options());
  const std::string target = "target=" + here();
  for (const std::string& query :
       {std::string(), std::string("target="), std::string("module=fleet"),
        target + "&module=other", target + "&module=", target + "&" + target,
        target + "&module=fleet&module=fleet", target + "&modul=fleet",
        target + "&password=x", target + "&debug=maybe", target + "%",
        target + "%4", target + "%zz", "target=" + std::string(3000, 'a')}) {
    const HttpResponse response = exporter.get("/probe?" + query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(response.body, ::testing::StartsWith("400: "));
    EXPECT_EQ(response.body.find('\n'), response.body.size() - 1);
  }
  EXPECT_EQ(exporter.get("/probe", {.method = "POST"}).status, 405);
}

TEST_F(ProbeRouteTest, NobodyIsConnectedToWhoIsNotAllowed) {
  const BlackHole listener;
  write("  fleet: {user: planted, password: " + std::string(kPlantedPassword) +
        ", targets: {hosts: [\"*.test\"], networks: [10.0.0.0/8], "
        "allow_loopback: true, allow_link_local: true}}\n");
  Exporter exporter(options());
  for (const std::string& target : attacks_on(listener.port())) {
    const HttpResponse response = probe(exporter, target, "&debug=true");
    EXPECT_EQ(response.status, 400) << target << ": " << response.body;
  }
  EXPECT_FALSE(listener.has_client());
}

TEST_F(ProbeRouteTest, SlowTargetsDoNotKeepOthersFromTheirAnswer) {
  BlackHole hole;
  Exporter exporter(options({"--web.max-requests=4"}));
  exporter.port();
  std::vector<std::future<HttpResponse>> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(std::async(std::launch::async, [&, i] {
      return probe(exporter, target_text(hole.port(), "d" + std::to_string(i)));
    }));
  }
  hole.wait_for_client();
  hole.wait_for_client();
  const HttpResponse third = probe(exporter, here());
  EXPECT_EQ(third.status, 503);
  EXPECT_EQ(third.headers.at("retry-after"), "1");
  for (const char* path : {"/metrics", "/-/healthy", "/-/ready", "/health"}) {
    EXPECT_EQ(exporter.get(path).status, 200) << path;
  }
  // The end does not wait for them either.
  exporter.send_signal(SIGTERM);
  for (auto& each : slow) EXPECT_EQ(each.get().status, 503);
  EXPECT_EQ(exporter.wait(), 0);
}

TEST_F(ProbeRouteTest, TheScrapesTimeoutIsHonoured) {
  const BlackHole hole;
  Exporter exporter(options());
  const HttpResponse response =
      probe(exporter, target_text(hole.port()), "&debug=true", "0.4");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(MetricsPage(response.body).value("dbpool_up"), 0);
  EXPECT_THAT(response.body, HasSubstr("within 300.0 ms"));
}

TEST_F(ProbeRouteTest, AReloadChangesTheModules) {
  Exporter exporter(options({"--web.enable-lifecycle"}));
  EXPECT_EQ(probe(exporter, here(), "&module=fleet").status, 200);
  write(module_text("other"));
  EXPECT_EQ(exporter.get("/-/reload", {.method = "POST"}).status, 200);
  EXPECT_EQ(probe(exporter, here(), "&module=fleet").status, 400);
  EXPECT_EQ(probe(exporter, here(), "&module=other").status, 200);
  EXPECT_THAT(exporter.get("/config").body,
              AllOf(HasSubstr("other:\n    user: planted"),
                    HasSubstr("<secret>"), Not(HasSubstr("fleet"))));
  EXPECT_EQ(exporter.stop(), 0);
}

TEST_F(ProbeRouteTest, AMistakeInAModuleStopsTheStart) {
  write(module_text("fleet", ", keep: 0s"));
  Exporter exporter(options({"--config.check"}));
  EXPECT_EQ(exporter.wait(), 2);
  EXPECT_THAT(exporter.output(),
              HasSubstr("file.yml:2: modules: fleet: keep=\"0s\": expected "));
}

}  // namespace
}  // namespace dbpool::test
