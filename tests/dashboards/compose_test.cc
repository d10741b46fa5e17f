// dashboards/compose.yml and the provisioning that it mounts fit together, and
// Prometheus and Alertmanager take their part of it. Nothing is started.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "tests/dashboards/questions.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const fs::path kFolder = DBPOOL_SOURCE_DIR "/dashboards";

// What a service of compose.yml finds in its file system: its volumes, copied
// to where they are mounted below a folder.
class Service {
 public:
  explicit Service(const std::string& name)
      : node_(YAML::LoadFile(kFolder / "compose.yml")["services"][name]) {
    for (const YAML::Node& volume : node_["volumes"]) {
      mount(volume.as<std::string>());
    }
  }

  const YAML::Node& node() const { return node_; }
  fs::path path(const std::string& inside) const {
    return fs::path(root_.path()) / fs::path(inside).relative_path();
  }
  YAML::Node file(const std::string& inside) const {
    return YAML::LoadFile(path(inside));
  }
  std::string variable(const std::string& name) const {
    return node_["environment"][name].as<std::string>();
  }
  // What --config.file says.
  std::string config() const {
    const auto flag = node_["command"][0].as<std::string>();
    return flag.substr(flag.find('=') + 1);
  }

 private:
  // "SOURCE:TARGET:ro", SOURCE relative to the compose file.
  void mount(const std::string& volume) {
    const std::size_t colon = volume.find(':');
    const std::size_t mode = volume.rfind(':');
    EXPECT_EQ(volume.substr(mode), ":ro") << volume;
    const fs::path to = path(volume.substr(colon + 1, mode - colon - 1));
    fs::create_directories(to.parent_path());
    fs::copy(kFolder / volume.substr(0, colon), to,
             fs::copy_options::recursive);
  }

  YAML::Node node_;
  const TempDir root_;
};

std::string checked(const char* program, const fs::path& config) {
  ChildOptions check;
  check.program = program;
  const bool is_prometheus = check.program == "promtool";
  check.args = {is_prometheus ? "check" : "check-config"};
  if (is_prometheus) check.args.emplace_back("config");
  check.args.push_back(config);
  return run_to_end(check);
}

TEST(ComposeTest, PrometheusTakesItsConfigurationAndTheRules) {
  const Service prometheus("prometheus");
  const fs::path config = prometheus.path(prometheus.config());
  EXPECT_THAT(checked("promtool", config), HasSubstr("rules found"));
  EXPECT_EQ(YAML::LoadFile(config)["rule_files"].size(), 1U);

  // Where the rules are not mounted it is refused.
  fs::remove(prometheus.path("/etc/prometheus/dbpool.rules.yml"));
  EXPECT_THROW(checked("promtool", config), std::runtime_error);
}

TEST(ComposeTest, AlertmanagerTakesItsConfigurationAndPrometheusFindsIt) {
  const Service alertmanager("alertmanager");
  EXPECT_THAT(checked("amtool", alertmanager.path(alertmanager.config())),
              HasSubstr("SUCCESS"));
  const Service prometheus("prometheus");
  const YAML::Node targets =
      prometheus.file(prometheus.config())["alerting"]["alertmanagers"][0]
                                          ["static_configs"][0]["targets"];
  ASSERT_EQ(targets.size(), 1U);
  EXPECT_EQ("http://" + targets[0].as<std::string>(),
            Service("grafana").variable("ALERTMANAGER_URL"));
}

TEST(ComposeTest, GrafanaFindsEachDashboardWhereItLooks) {
  const Service grafana("grafana");
  const YAML::Node provider = grafana.file(
      "/etc/grafana/provisioning/dashboards/dbpool.yml")["providers"][0];
  const fs::path folder =
      grafana.path(provider["options"]["path"].as<std::string>());
  std::set<std::string> uids;
  for (const auto& entry : fs::directory_iterator(folder)) {
    uids.insert(nlohmann::json::parse(read_file(entry.path())).at("uid"));
  }
  for (const nlohmann::json& dashboard : read_dashboards()) {
    EXPECT_EQ(uids.erase(dashboard.at("uid")), 1U) << dashboard.at("title");
  }
  EXPECT_THAT(uids, IsEmpty());
  EXPECT_TRUE(fs::exists(grafana.path(
      grafana.variable("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"))));
}

TEST(ComposeTest, GrafanaAsksTheServicesThatAreThere) {
  const Service grafana("grafana");
  const std::string folder = "/etc/grafana/provisioning/datasources/";
  const std::map<std::string, std::string> variables = {
      {"prometheus", "PROMETHEUS_URL"}, {"alertmanager", "ALERTMANAGER_URL"}};
  for (const auto& [name, variable] : variables) {
    const YAML::Node source =
        grafana.file(folder + name + ".yml")["datasources"][0];
    EXPECT_EQ(source["type"].as<std::string>(), name);
    EXPECT_EQ(source["url"].as<std::string>(), "${" + variable + "}");
    EXPECT_THAT(grafana.variable(variable), HasSubstr("http://" + name + ":"));
    EXPECT_TRUE(Service(name).node()["image"]) << name;
  }
}

TEST(ComposeTest, GrafanaKnowsHowOftenPrometheusScrapes) {
  const Service prometheus("prometheus");
  const Service grafana("grafana");
  const YAML::Node source = grafana.file(
      "/etc/grafana/provisioning/datasources/prometheus.yml")["datasources"][0];
  EXPECT_EQ(source["jsonData"]["timeInterval"].as<std::string>(),
            prometheus.file(prometheus.config())["global"]["scrape_interval"]
                .as<std::string>());
}

}  // namespace
}  // namespace dbpool::test
