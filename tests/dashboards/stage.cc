#include "tests/dashboards/stage.h"

#include "tests/alerts/rules.h"

namespace dbpool::test {
namespace {

constexpr std::chrono::hours kDay{24};

// An alert with the longest patience, 15 minutes, fires within a swing.
constexpr int kRulesTimeScale = 60;

PostgresOptions server(const CertificateAuthority& ca) {
  PostgresOptions options =
      with_tls(ca.issue({.common_name = "db",
                         .alternative_names = "IP:127.0.0.1",
                         .ends = 10 * kDay}));
  options.config.emplace_back("max_connections = 40");  // as the demo's
  return options;
}

// Short limits, so that a swing has failures of acquires and of the probe,
// and connections that come and go.
ExporterOptions demo(int speed) {
  return {.args = {"--demo", "--db.connection-timeout-ms=1500",
                   "--db.idle-timeout-ms=1000", "--db.max-uses=500",
                   "--probe.connect.interval=2s", "--probe.server.interval=2s",
                   "--probe.select_1.timeout=1s"},
          .env = {{"DBPOOL_DEMO_SPEED", std::to_string(speed)}}};
}

ExporterOptions tls(const CertificateAuthority& ca, const Postgres& postgres,
                    const std::string& web_config) {
  // Read and read again: that is what the reload series are about.
  write_file(web_config, "health_without_auth: true\n");
  create_planted_role(postgres);
  return {.database_url = planted_url(postgres),
          .args = {"--web.config.file=" + web_config, "--workload.rate=30",
                   "--workload.hold=20ms",
                   "--workload.sql=read_stock=SELECT count(*) FROM pg_class",
                   "--probe.connect.interval=2s", "--probe.server.interval=2s"},
          .env = {{"DB_POOL_MAX", "5"},
                  {"DB_POOL_MIN", "1"},
                  {"DB_MAX_USES", "100"},
                  {"DB_SSL", "true"},
                  {"DB_SSL_CA", base64(ca.certificate())}}};
}

ExporterOptions fleet(const CertificateAuthority& ca,
                      const std::string& config) {
  const nlohmann::json module = {
      {"user", kPlantedUser},
      {"password", kPlantedPassword},
      {"database", "postgres"},
      {"ssl_ca", ca.certificate()},
      {"targets", {{"networks", {"127.0.0.1/32"}}, {"allow_loopback", true}}}};
  // JSON is YAML.
  write_file(config, nlohmann::json{{"modules", {{"stock", module}}}}.dump());
  return {.args = {"--config.file=" + config}};
}

ScrapeTarget target(const std::string& job, Exporter& exporter,
                    std::string_view instance) {
  const nlohmann::json named = {{"target_label", "instance"},
                                {"replacement", instance}};
  return {.job = job,
          .port = exporter.port(),
          .more = {{"relabel_configs", nlohmann::json::array({named})}}};
}

// As exporter/deploy/fleet has it, without the hash.
ScrapeTarget fleet_target(const std::string& database, Exporter& exporter) {
  const std::string address = "127.0.0.1:" + std::to_string(exporter.port());
  const nlohmann::json targets = {{"targets", {"127.0.0.1:" + database}},
                                  {"labels", {{"__param_module", "stock"}}}};
  const auto relabel = [](const char* label, const std::string& value) {
    return nlohmann::json{{"target_label", label}, {"replacement", value}};
  };
  const auto copy = [](const char* label) {
    return nlohmann::json{{"source_labels", {"__address__"}},
                          {"target_label", label}};
  };
  return {.job = "dbpool-targets",
          .path = "/probe",
          .more = {{"static_configs", nlohmann::json::array({targets})},
                   {"relabel_configs",
                    {copy("__param_target"), copy("instance"),
                     relabel("exporter", std::string(kFleetExporter)),
                     relabel("__address__", address)}}}};
}

// So rarely that its failures have no rate: that there were none is a query of
// its own.
ScrapeTarget gone_target(Exporter& exporter) {
  ScrapeTarget target = fleet_target("1/gone", exporter);
  target.job = "dbpool-targets-gone";
  target.interval = "10s";
  return target;
}

}  // namespace

DashboardStage::DashboardStage(int demo_speed)
    : postgres_(server(ca_)),
      demo_(demo(demo_speed)),
      tls_(tls(ca_, postgres_, dir_.path() + "/web.yml")),
      fleet_(fleet(ca_, dir_.path() + "/modules.yml")),
      prometheus_({target("dbpool-shop", demo_, kDemoInstance),
                   target("dbpool-stock", tls_, kTlsInstance),
                   fleet_target(std::to_string(postgres_.port()), fleet_),
                   gone_target(fleet_)},
                  {.rules = generated_rules(kRulesTimeScale)}) {}

std::chrono::seconds DashboardStage::age() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - start_);
}

bool DashboardStage::demo_is_exhausted() const {
  return prometheus_.query_value(
             "sum(rate(dbpool_acquire_failures_total{instance=\"" +
             std::string(kDemoInstance) +
             "\",reason=\"timeout_capacity\"}[3s]))") > 20;
}

}  // namespace dbpool::test
