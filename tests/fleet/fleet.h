#ifndef DBPOOL_TESTS_FLEET_FLEET_H_
#define DBPOOL_TESTS_FLEET_FLEET_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/alerts/alert_stage.h"
#include "tests/e2e/exporter.h"
#include "tests/support/alertmanager.h"
#include "tests/support/postgres.h"
#include "tests/support/prometheus.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {

// Private clusters on 127.0.0.1 with databases "fleet_0" … each, and the
// planted role. A target is a database.
class Databases {
 public:
  Databases(std::size_t clusters, std::size_t databases_of_each);

  Postgres& cluster(std::size_t index) { return *clusters_.at(index); }
  // HOST:PORT/DATABASE of a cluster's targets, and of all.
  std::vector<std::string> targets_of(std::size_t cluster) const;
  std::vector<std::string> targets() const;
  // Client sessions on all clusters now, the asking ones excepted.
  long sessions() const;

 private:
  void create_databases() const;

  const std::size_t databases_of_each_;
  std::vector<std::unique_ptr<Postgres>> clusters_;
};

// An exporter of modules alone, always on the same port: "fleet" for the
// targets of Databases, with these of the built-in probes.
class FleetExporter {
 public:
  explicit FleetExporter(const std::vector<std::string>& probes);

  int port() const { return port_; }
  // HOST:PORT, its label `exporter`.
  std::string address() const;
  void start();
  void kill();
  Exporter& running() { return *exporter_; }

 private:
  const TempDir dir_;
  const int port_;
  std::optional<Exporter> exporter_;
};

// The path of a target with the module.
std::string probe_path(const std::string& target);

// What exporter/deploy/fleet/generate prints.
std::string fleet_configuration(const std::vector<std::string>& args);

// One of several Prometheus servers.
struct ShardOptions {
  std::size_t index = 0;
  std::size_t count = 1;
  std::vector<std::string> exporters;  // HOST:PORT, of all shards
  std::vector<std::string> targets;    // likewise
  int time_scale = 1;                  // of the rules
  std::string interval = "30s";
  std::string alertmanager = {};  // HOST:PORT; empty: none
};

// The files of its Prometheus.
std::map<std::string, std::string> shard_files(const ShardOptions& options);

struct FleetOptions {
  std::vector<std::string> probes = {"connect", "server"};
  std::size_t clusters = 4;
  std::size_t databases_of_each = 50;
  std::size_t shards = 2;  // exporters, and Prometheus servers
  int time_scale = 1;      // of the rules
  std::string interval = "30s";
  bool has_alertmanager = false;
};

// A fleet as exporter/deploy/fleet has it: each exporter with a Prometheus
// server that asks about its share of the targets and evaluates the rules, and
// one server that federates from these.
class Fleet {
 public:
  explicit Fleet(const FleetOptions& options);

  Databases& databases() { return databases_; }
  std::size_t shards() const { return exporters_.size(); }
  FleetExporter& exporter(std::size_t shard) { return *exporters_.at(shard); }
  const Prometheus& prometheus(std::size_t shard) const {
    return *servers_.at(shard);
  }
  const Prometheus& global() const { return *global_; }
  // What Alertmanager sent, if there is one.
  const AlertInbox& inbox() const { return inbox_; }

 private:
  void start_exporters(const FleetOptions& options);
  void start_servers(const FleetOptions& options);

  Databases databases_;
  std::vector<std::unique_ptr<FleetExporter>> exporters_;
  std::vector<std::unique_ptr<Prometheus>> servers_;
  std::optional<Prometheus> global_;
  const AlertInbox inbox_;
  std::optional<Alertmanager> alertmanager_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FLEET_FLEET_H_
