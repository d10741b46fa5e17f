// A bad --web.config.file stops the start: exit code 2, and one line that
// names file, line and key.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/web_fixture.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class WebStartTest : public WebFixture {
 protected:
  void expect_refused(const std::string& config, const std::string& words) {
    replace("web.yml", config);
    Exporter exporter({.database_url = planted_url(free_port()),
                       .args = {"--web.config.file=" + path("web.yml"),
                                "--log.level=error"}});
    EXPECT_EQ(exporter.wait(), 2) << exporter.output();
    const auto lines = lines_of(exporter.output());
    ASSERT_THAT(lines, SizeIs(1)) << exporter.output();
    EXPECT_THAT(lines[0], HasSubstr(path("web.yml") + words));
  }
};

TEST_F(WebStartTest, EachMistakeIsOneLine) {
  expect_refused("tls_server_config:\n  cert_fil: a\n",
                 ":2: tls_server_config: unknown key \\\"cert_fil\\\"; the "
                 "nearest known one is cert_file");
  expect_refused(tls_config("  min_version: 1.2\n"),
                 ":4: min_version: expected one of TLS10, TLS11, TLS12, TLS13");
  expect_refused("http_server_config:\n  http2: maybe\n",
                 ":2: http_server_config: http2: a text was given; expected "
                 "true or false");
  expect_refused("basic_auth_users:\n  alice: pl4nt\n",
                 ":2: basic_auth_users: \\\"alice\\\": no bcrypt hash");
  expect_refused(
      "tls_server_config:\n  cert_file: none.pem\n"
      "  key_file: server.key\n",
      ":2: cert_file: " + path("none.pem") + ": No such file");
  expect_refused(
      "tls_server_config:\n  cert_file: server.pem\n"
      "  key_file: client.key\n",
      ":3: key_file: " + path("client.key") +
          ": the key does not match the certificate");
  expect_refused("a: [\n", ":");
}

TEST_F(WebStartTest, AMissingFileIsOneLine) {
  Exporter exporter(
      {.database_url = planted_url(free_port()),
       .args = {"--web.config.file=" + path("none.yml"), "--log.level=error"}});
  EXPECT_EQ(exporter.wait(), 2);
  EXPECT_THAT(exporter.output(),
              HasSubstr(path("none.yml") + ": No such file or directory"));
}

TEST_F(WebStartTest, PasswordsWithoutTlsWorkAndAreWarnedOf) {
  auto exporter = start(users());
  HttpRequest request;
  EXPECT_EQ(exporter->get("/metrics", request).status, 401);
  request.headers["Authorization"] = basic_auth(kUser, kWebPassword);
  EXPECT_EQ(exporter->get("/metrics", request).status, 200);
  EXPECT_TRUE(exporter->wait_for_log("passwords cross the network readable"));
}

}  // namespace
}  // namespace dbpool::test
