#include "tests/dashboards/stage.h"

#include "tests/alerts/rules.h"

namespace dbpool::test {
namespace {

constexpr std::chrono::hours kDay{24};

// An alert with the longest patience, 15 minutes, fires within a swing.
constexpr int kRulesTimeScale = 60;

PostgresOptions server(const CertificateAuthority& ca) {
  return with_tls(ca.issue({.common_name = "db",
                            .alternative_names = "IP:127.0.0.1",
                            .ends = 10 * kDay}));
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

ExporterOptions tls(const CertificateAuthority& ca, const Postgres& postgres) {
  create_planted_role(postgres);
  return {.database_url = planted_url(postgres),
          .args = {"--workload.rate=30", "--workload.hold=20ms",
                   "--workload.sql=read_stock=SELECT count(*) FROM pg_class",
                   "--probe.connect.interval=2s", "--probe.server.interval=2s"},
          .env = {{"DB_POOL_MAX", "5"},
                  {"DB_POOL_MIN", "1"},
                  {"DB_MAX_USES", "100"},
                  {"DB_SSL", "true"},
                  {"DB_SSL_CA", base64(ca.certificate())}}};
}

}  // namespace

DashboardStage::DashboardStage(int demo_speed)
    : postgres_(server(ca_)),
      demo_(demo(demo_speed)),
      tls_(tls(ca_, postgres_)),
      prometheus_({{.job = "dbpool", .port = demo_.port()},
                   {.job = "dbpool-tls", .port = tls_.port()}},
                  {.rules = generated_rules(kRulesTimeScale)}) {}

std::chrono::seconds DashboardStage::age() const {
  return std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now() - start_);
}

std::string DashboardStage::instance(Exporter& exporter) {
  return "127.0.0.1:" + std::to_string(exporter.port());
}

}  // namespace dbpool::test
