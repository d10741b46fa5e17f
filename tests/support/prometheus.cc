#include "tests/support/prometheus.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <utility>

#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/net.h"
#include "tests/support/ready.h"

namespace dbpool::test {
namespace {

std::string configuration(const std::vector<ScrapeTarget>& targets,
                          const PrometheusOptions& options) {
  // JSON is YAML, and needs no care with quotes.
  nlohmann::json config = {
      {"global",
       {{"scrape_interval", "1s"},
        {"evaluation_interval", options.evaluation_interval}}},
      {"scrape_configs", nlohmann::json::array()}};
  if (!options.rules.empty()) config["rule_files"] = {"rules.yml"};
  if (options.alertmanager_port != 0) {
    const nlohmann::json address =
        "127.0.0.1:" + std::to_string(options.alertmanager_port);
    config["alerting"]["alertmanagers"] = {
        {{"static_configs", {{{"targets", {address}}}}}}};
  }
  for (const ScrapeTarget& target : targets) {
    const std::string address = "127.0.0.1:" + std::to_string(target.port);
    nlohmann::json scrape = {{"job_name", target.job},
                             {"metrics_path", target.path},
                             {"scrape_interval", target.interval},
                             {"scrape_timeout", target.interval},
                             {"static_configs", {{{"targets", {address}}}}}};
    scrape.update(target.more);
    config["scrape_configs"].push_back(std::move(scrape));
  }
  return config.dump(2);
}

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    std::array<char, 4> code = {};
    std::snprintf(code.data(), code.size(), "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    encoded += code.data();
  }
  return encoded;
}

}  // namespace

Prometheus::Prometheus(const std::vector<ScrapeTarget>& targets,
                       const PrometheusOptions& options)
    : targets_(targets.size()) {
  std::map<std::string, std::string> files = {
      {"prometheus.yml", configuration(targets, options)}};
  if (!options.rules.empty()) files.emplace("rules.yml", options.rules);
  start(files);
}

Prometheus::Prometheus(Files, const std::map<std::string, std::string>& files) {
  start(files);
}

void Prometheus::start(const std::map<std::string, std::string>& files) {
  for (const auto& [name, contents] : files) {
    write_file(dir_.path() + "/" + name, contents);
  }
  port_ = free_port();
  process_.emplace(
      "prometheus",
      std::vector<std::string>{
          "--config.file=" + dir_.path() + "/prometheus.yml",
          "--storage.tsdb.path=" + dir_.path() + "/data",
          "--web.listen-address=127.0.0.1:" + std::to_string(port_),
          "--log.level=warn"});
  wait_until_ready(*process_, port_, "Prometheus");
}

nlohmann::json Prometheus::ask(const std::string& path,
                               const std::string& promql) const {
  const HttpResponse response =
      http_get(port_, "/api/v1/" + path + "&query=" + percent_encoded(promql));
  if (response.status != 200) {
    throw std::runtime_error("Prometheus: " + promql + ": " + response.body);
  }
  return nlohmann::json::parse(response.body).at("data").at("result");
}

nlohmann::json Prometheus::query(const std::string& promql) const {
  return ask("query?", promql);
}

nlohmann::json Prometheus::query_range(const std::string& promql,
                                       std::chrono::seconds length) const {
  const std::time_t now = std::time(nullptr);
  return ask("query_range?step=1&end=" + std::to_string(now) +
                 "&start=" + std::to_string(now - length.count()),
             promql);
}

std::optional<double> Prometheus::query_value(const std::string& promql) const {
  const nlohmann::json result = query(promql);
  if (result.empty()) return std::nullopt;
  if (result.size() != 1) {
    throw std::runtime_error("not one sample: " + promql + ": " +
                             result.dump());
  }
  return std::stod(result[0].at("value").at(1).get<std::string>());
}

bool Prometheus::wait_until_scraped(std::chrono::milliseconds deadline) {
  return eventually(deadline, [this] {
    return query_value("count(up == 1) or vector(0)") ==
           static_cast<double>(targets_);
  });
}

std::string promtool_check_metrics(const std::string& page) {
  ChildOptions promtool;
  promtool.program = "promtool";
  promtool.args = {"check", "metrics"};
  try {
    return run_to_end(promtool, page);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace dbpool::test
