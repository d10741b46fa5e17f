#include "tests/fleet/fleet.h"

#include <future>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/alerts/rules.h"
#include "tests/support/child.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

std::string database_name(std::size_t index) {
  return "fleet_" + std::to_string(index);
}

std::string local(int port) { return "127.0.0.1:" + std::to_string(port); }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words)
    text += (text.empty() ? "" : ",") + word;
  return text;
}

// JSON is YAML.
std::string modules(const std::vector<std::string>& probes) {
  const nlohmann::json module = {
      {"user", kPlantedUser},
      {"password", kPlantedPassword},
      {"database", "postgres"},
      {"ssl", false},
      {"targets", {{"networks", {"127.0.0.0/8"}}, {"allow_loopback", true}}},
      {"max_connections", 1},
      {"keep", "5m"},
      {"timeout", "3s"},
      {"probes", probes}};
  return nlohmann::json{{"modules", {{"fleet", module}}}}.dump(2);
}

std::string file_of_targets(const std::vector<std::string>& targets) {
  const nlohmann::json group = {{"targets", targets},
                                {"labels", {{"__param_module", "fleet"}}}};
  return nlohmann::json::array({group}).dump();
}

}  // namespace

Databases::Databases(std::size_t clusters, std::size_t databases_of_each)
    : databases_of_each_(databases_of_each) {
  const std::size_t sessions = 3 * databases_of_each + 20;
  const PostgresOptions options = {
      .config = {"max_connections = " + std::to_string(sessions)}};
  for (std::size_t i = 0; i < clusters; ++i) {
    clusters_.push_back(std::make_unique<Postgres>(options));
    create_planted_role(*clusters_.back());
  }
  create_databases();
}

void Databases::create_databases() const {
  std::vector<std::future<void>> done;
  for (const auto& cluster : clusters_) {
    done.push_back(std::async(std::launch::async, [this, &cluster] {
      for (std::size_t i = 0; i < databases_of_each_; ++i) {
        cluster->sql("CREATE DATABASE " + database_name(i) +
                     " STRATEGY file_copy");
      }
    }));
  }
  for (std::future<void>& each : done) each.get();
}

std::vector<std::string> Databases::targets_of(std::size_t cluster) const {
  std::vector<std::string> targets;
  const std::string address = local(clusters_.at(cluster)->port());
  for (std::size_t i = 0; i < databases_of_each_; ++i) {
    targets.push_back(address + "/" + database_name(i));
  }
  return targets;
}

std::vector<std::string> Databases::targets() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < clusters_.size(); ++i) {
    const std::vector<std::string> some = targets_of(i);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

long Databases::sessions() const {
  long sessions = 0;
  for (const auto& cluster : clusters_) {
    sessions += std::stol(cluster->sql_value(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client "
        "backend' AND pid <> pg_backend_pid()"));
  }
  return sessions;
}

FleetExporter::FleetExporter(const std::vector<std::string>& probes)
    : port_(free_port()) {
  write_file(dir_.path() + "/modules.yml", modules(probes));
  start();
}

std::string FleetExporter::address() const { return local(port_); }

void FleetExporter::start() {
  exporter_.emplace(
      ExporterOptions{.args = {"--config.file=" + dir_.path() + "/modules.yml",
                               "--web.listen-address=" + address(),
                               // On a busy machine many wait at once.
                               "--web.max-requests=200"},
                      .listen = false});
  exporter_->port();
}

void FleetExporter::kill() { exporter_->stop(SIGKILL); }

std::string probe_path(const std::string& target) {
  return "/probe?module=fleet&target=" + target;
}

std::string fleet_configuration(const std::vector<std::string>& args) {
  ChildOptions generate;
  generate.program = DBPOOL_SOURCE_DIR "/exporter/deploy/fleet/generate";
  generate.args = args;
  return run_to_end(generate);
}

std::map<std::string, std::string> shard_files(const ShardOptions& options) {
  const std::string shard =
      std::to_string(options.index) + "/" + std::to_string(options.count);
  std::vector<std::string> args = {
      "--shard=" + shard, "--exporters=" + joined(options.exporters),
      "--targets=targets.json", "--interval=" + options.interval};
  if (!options.alertmanager.empty()) {
    args.push_back("--alertmanager=" + options.alertmanager);
  }
  return {{"prometheus.yml", fleet_configuration(args)},
          {"targets.json", file_of_targets(options.targets)},
          {"dbpool.rules.yml", generated_rules(options.time_scale)}};
}

Fleet::Fleet(const FleetOptions& options)
    : databases_(options.clusters, options.databases_of_each) {
  start_exporters(options);
  start_servers(options);
}

void Fleet::start_exporters(const FleetOptions& options) {
  for (std::size_t i = 0; i < options.shards; ++i) {
    exporters_.push_back(std::make_unique<FleetExporter>(options.probes));
  }
}

void Fleet::start_servers(const FleetOptions& options) {
  ShardOptions shard = {.count = options.shards,
                        .exporters = {},
                        .targets = databases_.targets(),
                        .time_scale = options.time_scale,
                        .interval = options.interval,
                        .alertmanager = {}};
  if (options.has_alertmanager) {
    alertmanager_.emplace(inbox_.alertmanager_configuration());
    shard.alertmanager = local(alertmanager_->port());
  }
  for (const auto& exporter : exporters_) {
    shard.exporters.push_back(exporter->address());
  }
  std::vector<std::string> servers;
  for (; shard.index < shard.count; ++shard.index) {
    servers_.push_back(
        std::make_unique<Prometheus>(Prometheus::Files(), shard_files(shard)));
    servers.push_back(local(servers_.back()->port()));
  }
  global_.emplace(
      Prometheus::Files(),
      std::map<std::string, std::string>{
          {"prometheus.yml",
           fleet_configuration({"--federate=" + joined(servers),
                                "--interval=" + options.interval})}});
}

}  // namespace dbpool::test
