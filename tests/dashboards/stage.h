#ifndef DBPOOL_TESTS_DASHBOARDS_STAGE_H_
#define DBPOOL_TESTS_DASHBOARDS_STAGE_H_

#include <chrono>
#include <string_view>

#include "tests/e2e/exporter.h"
#include "tests/support/certificates.h"
#include "tests/support/postgres.h"
#include "tests/support/prometheus.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {

// Their labels `instance`, and the label `exporter` of the fleet's targets.
inline constexpr std::string_view kDemoInstance = "shop.example:10187";
inline constexpr std::string_view kTlsInstance = "stock.example:10187";
inline constexpr std::string_view kFleetExporter = "exporter-0.example:10187";

// What the dashboards show in the tests: a real Prometheus with the rules,
// which scrapes two exporters each second. One runs its demo; the other
// reaches its database by TLS, with a certificate that expires in ten days,
// under a steady load, and has a web configuration. A third is a fleet's: it
// is asked about the same database, and about one that is not there.
class DashboardStage {
 public:
  // How many times as fast as a user sees it the demo swings.
  explicit DashboardStage(int demo_speed);

  const Prometheus& prometheus() const { return prometheus_; }
  // Since the first scrape.
  std::chrono::seconds age() const;

  // Whether many requests to the demo's pool fail now since it is exhausted.
  bool demo_is_exhausted() const;

 private:
  const CertificateAuthority ca_{"Dashboards CA", std::chrono::hours(24 * 90)};
  const Postgres postgres_;
  const TempDir dir_;
  Exporter demo_;
  Exporter tls_;
  Exporter fleet_;
  const Prometheus prometheus_;
  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_DASHBOARDS_STAGE_H_
