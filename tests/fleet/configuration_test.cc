// The files of exporter/deploy/fleet are what is generated, fit together, and
// are taken by Prometheus and by the exporter.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fleet/fleet.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

const fs::path kFolder = DBPOOL_SOURCE_DIR "/exporter/deploy/fleet";
const std::string kExporters =
    "--exporters=exporter-0.example.org:10187,exporter-1.example.org:10187";

std::string checked(const fs::path& config) {
  ChildOptions promtool;
  promtool.program = "promtool";
  promtool.args = {"check", "config", config};
  return run_to_end(promtool);
}

TEST(FleetConfigurationTest, TheFilesAreWhatIsGenerated) {
  for (const char* shard : {"0", "1"}) {
    EXPECT_EQ(
        read_file(kFolder / ("shard-" + std::string(shard) + ".yml")),
        fleet_configuration({"--shard=" + std::string(shard) + "/2", kExporters,
                             "--alertmanager=alertmanager.example.org:9093"}));
  }
  EXPECT_EQ(read_file(kFolder / "global.yml"),
            fleet_configuration({"--federate=prometheus-0.example.org:9090,"
                                 "prometheus-1.example.org:9090"}));
}

TEST(FleetConfigurationTest, PrometheusTakesThemWithTheRulesAndTargets) {
  const TempDir dir;
  fs::copy(kFolder, dir.path(), fs::copy_options::recursive);
  fs::copy(DBPOOL_SOURCE_DIR "/alerts/dbpool.rules.yml", dir.path());
  for (const char* name : {"shard-0.yml", "shard-1.yml", "global.yml"}) {
    const std::string said = checked(dir.path() + "/" + name);
    EXPECT_THAT(said, Not(HasSubstr("WARNING")));
  }
  fs::remove_all(dir.path() + "/targets");
  EXPECT_THAT(checked(dir.path() + "/shard-0.yml"), HasSubstr("WARNING"));
  fs::remove(dir.path() + "/dbpool.rules.yml");
  EXPECT_THROW(checked(dir.path() + "/shard-0.yml"), std::runtime_error);
}

TEST(FleetConfigurationTest, PrometheusTakesReplicas) {
  const TempDir dir;
  fs::copy(DBPOOL_SOURCE_DIR "/alerts/dbpool.rules.yml", dir.path());
  write_file(dir.path() + "/replica.yml",
             fleet_configuration({"--shard=0/1", kExporters, "--replica=a",
                                  "--interval=10s",
                                  "--alertmanager=alertmanager:9093"}));
  EXPECT_THAT(checked(dir.path() + "/replica.yml"), HasSubstr("rules found"));
}

TEST(FleetConfigurationTest, TheExporterTakesTheModules) {
  ChildOptions check;
  check.program = DBPOOL_EXPORTER_PROGRAM;
  check.args = {"--config.check",
                "--config.file=" + (kFolder / "modules.yml").string()};
  check.env = {{"FLEET_PASSWORD", "secret"}};
  EXPECT_NO_THROW(run_to_end(check));
}

TEST(FleetConfigurationTest, WhatMakesNoSenseIsRefusedInOneLine) {
  const std::vector<std::vector<std::string>> all = {
      {},
      {"--shard=0/1"},
      {"--exporters=a:1"},
      {"--shard=2/2", kExporters},
      {"--shard=0/3", kExporters},
      {"--shard=x", kExporters},
      {"--shard=0/1", "--exporters=a"},
      {"--shard=0/1", "--exporters=a:1/probe"},
      {"--shard=0/1", "--exporters=a:1,,b:2"},
      {"--federate=a:1", "--shard=0/1"},
      {"--federate=a"},
      {"--shard=0/1", kExporters, "--rules=a\"b"},
      {"--shards=1"}};
  for (const std::vector<std::string>& args : all) {
    try {
      fleet_configuration(args);
      ADD_FAILURE() << ::testing::PrintToString(args) << " is taken";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("exporter/deploy/fleet/generate: "));
    }
  }
}

}  // namespace
}  // namespace dbpool::test
