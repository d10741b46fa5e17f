// The real Prometheus against TLS, passwords and client certificates, with
// the right and with each wrong credential.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/web_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/prometheus.h"

namespace dbpool::test {
namespace {

using nlohmann::json;

class WebPrometheusTest : public WebFixture {
 protected:
  ScrapeTarget target(const std::string& job, Exporter& exporter,
                      const json& tls, const std::string& user = "",
                      const std::string& password = "") const {
    ScrapeTarget target{.job = job, .port = exporter.port()};
    json settings = {{"ca_file", made_.pem("ca")}};
    settings.update(tls);
    target.more = {{"scheme", "https"}, {"tls_config", settings}};
    if (!user.empty()) {
      target.more["basic_auth"] = {{"username", user}, {"password", password}};
    }
    return target;
  }
  json certificate(const std::string& name) const {
    return {{"cert_file", made_.pem(name)}, {"key_file", made_.key(name)}};
  }
};

TEST_F(WebPrometheusTest, ItScrapesOverTls12AndTls13WithAPassword) {
  auto tls12 = start(tls_config("  max_version: TLS12\n", users()), "12.yml");
  auto tls13 = start(tls_config("  min_version: TLS13\n", users()), "13.yml");
  EXPECT_EQ(HttpsConnection(tls12->port(), client()).version(), "TLSv1.2");
  EXPECT_EQ(HttpsConnection(tls13->port(), client()).version(), "TLSv1.3");
  Prometheus prometheus(
      {target("tls12", *tls12, json::object(), kUser, kWebPassword),
       target("tls13", *tls13, json::object(), kUser, kWebPassword)});
  EXPECT_TRUE(prometheus.wait_until_scraped(kLiveness));
}

TEST_F(WebPrometheusTest, ItIsRefusedWithEachWrongCredential) {
  made_.make_ca("other_ca");
  made_.issue("stranger", "DNS:client.example", "other_ca");
  auto exporter =
      start(tls_config("  client_auth_type: RequireAndVerifyClientCert\n"
                       "  client_ca_file: ca.pem\n",
                       users()));
  const json good = certificate("client");
  json wrong_ca = good;
  wrong_ca["ca_file"] = made_.pem("other_ca");
  const std::vector<ScrapeTarget> targets = {
      target("good", *exporter, good, kUser, kWebPassword),
      target("wrong_password", *exporter, good, kUser, "pl4nt wrong"),
      target("unknown_user", *exporter, good, "bob", kWebPassword),
      target("no_password", *exporter, good),
      target("no_certificate", *exporter, json::object(), kUser, kWebPassword),
      target("strangers_certificate", *exporter, certificate("stranger"), kUser,
             kWebPassword),
      target("wrong_ca", *exporter, wrong_ca, kUser, kWebPassword)};
  Prometheus prometheus(targets);
  // Each was tried twice, and only the good one came through.
  ASSERT_TRUE(eventually(kLiveness, [&] {
    return prometheus.query_value("count(count_over_time(up[10m]) >= 2)") ==
               static_cast<double>(targets.size()) &&
           prometheus.query_value("up{job=\"good\"}") == 1;
  }));
  for (const ScrapeTarget& each : targets) {
    if (each.job == "good") continue;
    EXPECT_EQ(prometheus.query_value("max_over_time(up{job=\"" + each.job +
                                     "\"}[10m])"),
              0)
        << each.job;
  }
  const HttpResponse page =
      https_get(exporter->port(), "/metrics", with_certificate("client"));
  EXPECT_GE(
      MetricsPage(page.body).value("dbpool_exporter_http_requests_total",
                                   {{"handler", "metrics"}, {"code", "401"}}),
      3);
  EXPECT_TRUE(exporter->wait_for_log("a login was refused.*client=127.0.0.1"));
  EXPECT_TRUE(exporter->wait_for_log("a TLS handshake failed"));
}

}  // namespace
}  // namespace dbpool::test
