#ifndef DBPOOL_TESTS_SUPPORT_PROMETHEUS_H_
#define DBPOOL_TESTS_SUPPORT_PROMETHEUS_H_

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {

struct ScrapeTarget {
  std::string job = "test";
  int port = 0;  // on 127.0.0.1
  std::string path = "/metrics";
  std::string interval = "1s";
  // More of the scrape configuration: scheme, tls_config, basic_auth.
  nlohmann::json more = nlohmann::json::object();
};

struct PrometheusOptions {
  std::string rules = {};     // the contents of a file of rules
  int alertmanager_port = 0;  // on 127.0.0.1; 0 for none
  std::string evaluation_interval = "1s";
};

// A real Prometheus on a free port of 127.0.0.1, its data in a temp folder;
// ready when constructed. Throws std::runtime_error with its output when
// something fails.
class Prometheus {
 public:
  explicit Prometheus(const std::vector<ScrapeTarget>& targets,
                      const PrometheusOptions& options = {});

  // With a configuration of one's own: the contents of "prometheus.yml", and
  // of what that names, by their paths relative to it.
  struct Files {};
  Prometheus(Files, const std::map<std::string, std::string>& files);

  int port() const { return port_; }
  std::string output() const { return process_->output(); }

  // An instant query, now; "result" of the answer's "data".
  nlohmann::json query(const std::string& promql) const;

  // A range query as Grafana asks it: a point each second from `length` ago
  // until now; "result" of the answer's "data".
  nlohmann::json query_range(const std::string& promql,
                             std::chrono::seconds length) const;

  // The value of the only sample; empty when there is none.
  std::optional<double> query_value(const std::string& promql) const;

  // Waits until every target that it was given was scraped well; false at the
  // deadline.
  bool wait_until_scraped(std::chrono::milliseconds deadline);

 private:
  void start(const std::map<std::string, std::string>& files);
  // The query is percent-encoded; `promql` is for the error's text.
  nlohmann::json ask(const std::string& path, const std::string& promql) const;

  const TempDir dir_;
  const std::size_t targets_ = 0;
  int port_ = 0;
  std::optional<Process> process_;
};

// What `promtool check metrics` says of a page; "" when it is clean.
std::string promtool_check_metrics(const std::string& page);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_PROMETHEUS_H_
