// HTTPS over the wire: protocols and suites, client certificates, files that
// change in mid-run, and many requests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/web_fixture.h"
#include "tests/support/child.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRequests = 1000;

class WebTlsTest : public WebFixture {
 protected:
  // openssl s_client, which ends once the handshake is over. Whether that
  // came about.
  static bool shakes_hands(Exporter& exporter, std::vector<std::string> args) {
    ChildOptions options;
    options.program = "openssl";
    options.args = {"s_client", "-connect",
                    "127.0.0.1:" + std::to_string(exporter.port())};
    options.args.insert(options.args.end(), args.begin(), args.end());
    try {
      run_to_end(options);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }

  int status(Exporter& exporter, const HttpsOptions& options,
             const std::string& target = "/metrics") const {
    return https_get(exporter.port(), target, options).status;
  }
};

std::vector<std::string> old_version(const char* version) {
  return {version, "-cipher", "ALL:@SECLEVEL=0"};
}

TEST_F(WebTlsTest, NothingBelowTheMinimumIsSpoken) {
  auto by_default = start(tls_config());
  EXPECT_FALSE(shakes_hands(*by_default, old_version("-tls1")));
  EXPECT_FALSE(shakes_hands(*by_default, old_version("-tls1_1")));
  EXPECT_TRUE(shakes_hands(*by_default, {"-tls1_2"}));
  EXPECT_TRUE(shakes_hands(*by_default, {"-tls1_3"}));
  auto new_only = start(tls_config("  min_version: TLS13\n"));
  EXPECT_FALSE(shakes_hands(*new_only, old_version("-tls1_2")));
  EXPECT_TRUE(shakes_hands(*new_only, {"-tls1_3"}));
  // What was refused above works where it is allowed, and only there.
  auto old_too =
      start(tls_config("  min_version: TLS10\n  max_version: TLS11\n"));
  EXPECT_TRUE(shakes_hands(*old_too, old_version("-tls1")));
  EXPECT_TRUE(shakes_hands(*old_too, old_version("-tls1_1")));
  EXPECT_FALSE(shakes_hands(*old_too, {"-tls1_2"}));
}

TEST_F(WebTlsTest, NoAnonymousNullOrWeakSuitesAreSpoken) {
  auto exporter = start(tls_config());
  for (const char* weak :
       {"aNULL", "eNULL", "LOW", "kRSA", "3DES", "RC4", "PSK", "CBC", "SHA1"}) {
    EXPECT_FALSE(shakes_hands(
        *exporter, {"-tls1_2", "-cipher", std::string(weak) + ":@SECLEVEL=0"}))
        << weak;
  }
  EXPECT_TRUE(shakes_hands(
      *exporter, {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"}));
}

TEST_F(WebTlsTest, OnlyTheSuitesAndCurvesOfTheFileAreSpoken) {
  auto exporter = start(
      tls_config("  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,"
                 " TLS_CHACHA20_POLY1305_SHA256]\n"
                 "  curve_preferences: [CurveP384]\n"));
  EXPECT_TRUE(shakes_hands(
      *exporter, {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"}));
  EXPECT_FALSE(shakes_hands(
      *exporter, {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"}));
  EXPECT_TRUE(shakes_hands(
      *exporter, {"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}));
  EXPECT_FALSE(shakes_hands(
      *exporter, {"-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"}));
  EXPECT_FALSE(shakes_hands(*exporter, {"-tls1_3", "-groups", "X25519"}));
  EXPECT_TRUE(shakes_hands(*exporter, {"-tls1_3", "-groups", "P-384"}));
}

TEST_F(WebTlsTest, AThousandRequestsOverOneConnectionAndOverFreshOnes) {
  auto exporter = start(tls_config("", users()));
  HttpsConnection kept(exporter->port(), client());
  const double before =
      MetricsPage(kept.get("/metrics").body).value("process_open_fds").value();
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_EQ(kept.get("/metrics").status, 200) << i;
  }
  for (int i = 0; i < kRequests; ++i) {
    HttpsOptions options = client();
    options.max_version = i % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
    ASSERT_EQ(status(*exporter, options, "/-/healthy"), 200) << i;
  }
  const MetricsPage page(
      https_get(exporter->port(), "/metrics", client()).body);
  EXPECT_GE(page.sum("dbpool_exporter_http_requests_total", {{"code", "200"}}),
            2 * kRequests);
  EXPECT_LT(page.value("process_open_fds"), before + 50);
  EXPECT_EQ(exporter->stop(), 0);
}

TEST_F(WebTlsTest, AFailedHandshakeNamesItsClient) {
  auto exporter = start(tls_config());
  HttpConnection stranger(exporter->port());
  stranger.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(exporter->wait_for_log(
      "a TLS handshake failed.*client=127.0.0.1 .*http request"));
}

TEST_F(WebTlsTest, EachKindOfClientAuthAsksWhatItSays) {
  made_.make_ca("other_ca");
  made_.issue("stranger", "DNS:client.example", "other_ca");
  const auto works = [&](Exporter& exporter, const HttpsOptions& options) {
    try {
      return status(exporter, options) == 200;
    } catch (const std::runtime_error&) {
      return false;
    }
  };
  struct Case {
    std::string type;
    bool none, good, strange;
  };
  for (const Case& each :
       {Case{"NoClientCert", true, true, true},
        Case{"RequestClientCert", true, true, true},
        Case{"RequireAnyClientCert", false, true, true},
        Case{"VerifyClientCertIfGiven", true, true, false},
        Case{"RequireAndVerifyClientCert", false, true, false}}) {
    std::string config = "  client_auth_type: " + each.type + "\n";
    if (each.type != "NoClientCert") config += "  client_ca_file: ca.pem\n";
    auto exporter = start(tls_config(config));
    EXPECT_EQ(works(*exporter, client()), each.none) << each.type;
    EXPECT_EQ(works(*exporter, with_certificate("client")), each.good)
        << each.type;
    EXPECT_EQ(works(*exporter, with_certificate("stranger")), each.strange)
        << each.type;
  }
}

TEST_F(WebTlsTest, OnlyAllowedNamesOfClientsComeIn) {
  made_.issue("by_address", "IP:10.1.2.3,DNS:other.example");
  auto exporter =
      start(tls_config("  client_auth_type: RequireAndVerifyClientCert\n"
                       "  client_ca_file: ca.pem\n"
                       "  client_allowed_sans: [10.1.2.3, else.example]\n"));
  EXPECT_EQ(status(*exporter, with_certificate("by_address")), 200);
  EXPECT_THROW(status(*exporter, with_certificate("client")),
               std::runtime_error);
}

// A loop of scrapes over one connection, while the test does something else.
class ScrapeLoop {
 public:
  ScrapeLoop(int port, const HttpsOptions& options)
      : connection_(port, options), thread_([this] { run(); }) {}
  ~ScrapeLoop() { finish(); }
  ScrapeLoop(const ScrapeLoop&) = delete;
  ScrapeLoop& operator=(const ScrapeLoop&) = delete;

  // How many came through; throws nothing, and says what was dropped.
  int finish() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    EXPECT_EQ(dropped_, "");
    return good_;
  }
  int good() const { return good_; }

 private:
  void run() {
    try {
      while (!stop_) {
        const int status = connection_.get("/metrics").status;
        if (status != 200) throw std::runtime_error(std::to_string(status));
        ++good_;
      }
    } catch (const std::exception& error) {
      dropped_ = error.what();
    }
  }

  HttpsConnection connection_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> good_ = 0;
  std::string dropped_;  // read after the join
  std::thread thread_;
};

TEST_F(WebTlsTest, CertificatesAndUsersChangeWithoutDroppingAScrape) {
  auto exporter = start(tls_config("", users()));
  ScrapeLoop loop(exporter->port(), client());
  HttpsOptions bob = client();
  std::string serial =
      HttpsConnection(exporter->port(), client()).server_serial();
  for (int i = 0; i < 5; ++i) {
    const int before = loop.good();
    made_.issue("next", "IP:127.0.0.1");
    // One file after the other, as tools do it: in between they do not match,
    // and the old pair stays in force.
    replace("server.key", read_file(made_.key("next")));
    EXPECT_EQ(HttpsConnection(exporter->port(), client()).server_serial(),
              serial);
    replace("server.pem", read_file(made_.pem("next")));
    // While another connection reads them, the old ones are in force.
    EXPECT_TRUE(eventually(kLiveness, [&] {
      return HttpsConnection(exporter->port(), client()).server_serial() !=
             serial;
    }));
    serial = HttpsConnection(exporter->port(), client()).server_serial();
    const std::string password = "pl4nt bob " + std::to_string(i);
    bob.authorization = basic_auth("bob", password);
    const auto becomes = [&](int wanted) {
      return eventually(kLiveness,
                        [&] { return status(*exporter, bob) == wanted; });
    };
    EXPECT_EQ(status(*exporter, bob), 401);
    replace("web.yml",
            tls_config("", users() + "  bob: " + bcrypt_hash(password) + "\n"));
    EXPECT_TRUE(becomes(200));
    replace("web.yml", tls_config("", users()));
    EXPECT_TRUE(becomes(401));
    EXPECT_TRUE(eventually(kLiveness, [&] { return loop.good() > before; }));
  }
  EXPECT_GT(loop.finish(), 5);
}

TEST_F(WebTlsTest, WhatIsDemandedOfClientsChangesToo) {
  auto exporter = start(tls_config());
  EXPECT_EQ(status(*exporter, client()), 200);
  replace("web.yml",
          tls_config("  min_version: TLS13\n"
                     "  client_auth_type: RequireAndVerifyClientCert\n"
                     "  client_ca_file: ca.pem\n"));
  EXPECT_THROW(status(*exporter, client()), std::runtime_error);
  EXPECT_FALSE(shakes_hands(*exporter, {"-tls1_2"}));
  EXPECT_EQ(status(*exporter, with_certificate("client")), 200);
  replace("web.yml", "tls_server_config:\n  cert_fil: x\n");
  EXPECT_THROW(status(*exporter, client()), std::runtime_error)
      << "a bad file opens no door";
  EXPECT_EQ(status(*exporter, with_certificate("client")), 200);
  EXPECT_TRUE(exporter->wait_for_log(
      "the old one stays in force.*unknown key.*cert_fil"));
}

TEST_F(WebTlsTest, HealthHeadersAndPlainHttpAreAsTheFileSays) {
  auto exporter = start(
      tls_config("", users() + "health_without_auth: true\n"
                               "http_server_config:\n  headers:\n"
                               "    X-Frame-Options: sameorigin\n"
                               "    Strict-Transport-Security: max-age=60\n"
                               "    Content-Security-Policy: ''\n"));
  for (const char* target : {"/-/healthy", "/-/ready"}) {
    EXPECT_EQ(status(*exporter, client(false), target), 200) << target;
  }
  for (const char* target :
       {"/", "/metrics", "/health", "/stats", "/debug/pools", "/none"}) {
    const HttpResponse refused =
        https_get(exporter->port(), target, client(false));
    EXPECT_EQ(refused.status, 401) << target;
    EXPECT_THAT(refused.headers.at("www-authenticate"), HasSubstr("Basic"));
  }
  const HttpResponse page = https_get(exporter->port(), "/metrics", client());
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.at("x-frame-options"), "sameorigin");
  EXPECT_EQ(page.headers.at("strict-transport-security"), "max-age=60");
  EXPECT_EQ(page.headers.count("content-security-policy"), 0U);
  EXPECT_EQ(page.headers.at("x-content-type-options"), "nosniff");
  EXPECT_ANY_THROW(http_get(exporter->port(), "/metrics"));
}

TEST_F(WebTlsTest, NoKeyAndNoPasswordIsInAnyOutput) {
  std::string indented;
  for (const std::string& line : lines_of(read_file(made_.key("server")))) {
    indented += "    " + line + "\n";
  }
  const std::string secret = lines_of(read_file(made_.key("server"))).at(1);
  auto exporter =
      start("tls_server_config:\n  cert_file: server.pem\n  key: |\n" +
            indented + users());
  std::string seen;
  for (const char* target : {"/", "/metrics", "/health", "/stats", "/none"}) {
    seen += https_get(exporter->port(), target, client()).body;
    HttpsOptions wrong = client();
    wrong.authorization = basic_auth("pl4nt name", "pl4nt wrong");
    seen += https_get(exporter->port(), target, wrong).body;
  }
  replace("web.yml", "basic_auth_users:\n  alice: pl4nt\n");
  status(*exporter, client());
  ASSERT_TRUE(exporter->wait_for_log("the old one stays in force"));
  seen += read_file("/proc/" + std::to_string(exporter->pid()) + "/cmdline");
  EXPECT_EQ(exporter->stop(), 0);
  seen += exporter->output();
  expect_no_secret(seen, "what a client or the log sees");
  EXPECT_THAT(seen, AllOf(Not(HasSubstr(secret)), Not(HasSubstr(hash_)),
                          Not(HasSubstr(hash_.substr(10)))));
}

}  // namespace
}  // namespace dbpool::test
