#ifndef DBPOOL_TESTS_E2E_WEB_FIXTURE_H_
#define DBPOOL_TESTS_E2E_WEB_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/e2e/exporter.h"
#include "tests/support/https_client.h"
#include "tests/support/net.h"
#include "tests/support/temp_dir.h"
#include "tests/support/web_certificates.h"

namespace dbpool::test {

// An exporter behind TLS and passwords. Everything that it prints is searched
// for parts of the planted ones. The database plays no part here.
class WebFixture : public ::testing::Test {
 protected:
  static constexpr const char* kUser = "alice";
  static constexpr const char* kWebPassword = "pl4nt web S3cret";

  std::string path(const std::string& name) const {
    return dir_.path() + "/" + name;
  }

  // As deployments do it: the file is replaced at once.
  void replace(const std::string& name, const std::string& text) const {
    write_file(path(name + ".new"), text);
    std::filesystem::rename(path(name + ".new"), path(name));
  }

  // `more` belongs to tls_server_config, `rest` follows it.
  static std::string tls_config(const std::string& more = "",
                                const std::string& rest = "") {
    return "tls_server_config:\n  cert_file: server.pem\n"
           "  key_file: server.key\n" +
           more + rest;
  }

  std::string users() const {
    return "basic_auth_users:\n  " + std::string(kUser) + ": " + hash_ + "\n";
  }

  std::unique_ptr<Exporter> start(const std::string& config,
                                  const std::string& name = "web.yml") const {
    replace(name, config);
    return std::make_unique<Exporter>(ExporterOptions{
        .database_url = planted_url(free_port()),
        .args = {"--web.config.file=" + path(name), "--log.level=debug"}});
  }

  // With the right CA, and with the right password if asked for.
  HttpsOptions client(bool logs_in = true) const {
    HttpsOptions options;
    options.ca = made_.pem("ca");
    if (logs_in) options.authorization = basic_auth(kUser, kWebPassword);
    return options;
  }
  HttpsOptions with_certificate(const std::string& name) const {
    HttpsOptions options = client();
    options.certificate = made_.pem(name);
    options.key = made_.key(name);
    return options;
  }

  const TempDir dir_;
  WebCertificates made_{dir_.path()};
  const std::string hash_ = bcrypt_hash(kWebPassword, 8);
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_E2E_WEB_FIXTURE_H_
