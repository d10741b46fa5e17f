// The file of --web.config.file: what it may say, and how mistakes are told.
#include "exporter/web_config/web_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "tests/support/web_certificates.h"

namespace dbpool::exporter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kPath = "/etc/exporter/web.yml";

WebConfig parsed(const std::string& text) {
  auto config = parse_web_config(text, kPath);
  if (config) return *std::move(config);
  ADD_FAILURE() << config.error();
  return {};
}

std::string mistake(const std::string& text) {
  const auto config = parse_web_config(text, kPath);
  if (config) {
    ADD_FAILURE() << "it was accepted: " << text;
    return "";
  }
  EXPECT_THAT(config.error(), Not(HasSubstr("\n")));
  return config.error();
}

std::string with_tls(const std::string& more) {
  return "tls_server_config:\n  cert_file: a.pem\n  key_file: a.key\n" + more;
}

TEST(WebConfigTest, AnEmptyFileAsksForNothing) {
  for (const char* text :
       {"", "# nothing\n", "{}", "tls_server_config:\n", "---\n"}) {
    const WebConfig config = parsed(text);
    EXPECT_FALSE(config.tls.has_value());
    EXPECT_TRUE(config.users.empty());
    EXPECT_TRUE(config.headers.empty());
    EXPECT_FALSE(config.health_without_auth);
  }
}

TEST(WebConfigTest, PathsAreRelativeToTheFile) {
  const WebConfig config = parsed(
      "tls_server_config:\n  cert_file: tls/a.pem\n  key_file: /run/a.key\n");
  EXPECT_EQ(config.tls->certificate.file, "/etc/exporter/tls/a.pem");
  EXPECT_EQ(config.tls->private_key.file, "/run/a.key");
}

TEST(WebConfigTest, TheDefaultsAreTls12AndNoClientCertificates) {
  const TlsServerConfig tls = *parsed(with_tls("")).tls;
  EXPECT_EQ(tls.min_version, TLS1_2_VERSION);
  EXPECT_EQ(tls.max_version, TLS1_3_VERSION);
  EXPECT_EQ(tls.client_auth, ClientAuth::kNone);
  EXPECT_TRUE(tls.prefer_server_ciphers);
  EXPECT_EQ(tls.ciphers, "");
}

TEST(WebConfigTest, AllOfTheFormatIsTaken) {
  const WebConfig config = parsed(R"(
tls_server_config:
  cert: |
    some certificate
  key: "some key"
  client_ca: some CA
  client_auth_type: VerifyClientCertIfGiven
  client_allowed_sans: [a.example, 10.0.0.1]
  min_version: TLS10
  max_version: TLS12
  cipher_suites:
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    - TLS_AES_256_GCM_SHA384
    - TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP384, X25519]
http_server_config:
  http2: true
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: sameorigin
    X-Content-Type-Options: nosniff
    X-XSS-Protection:
    Strict-Transport-Security: max-age=31536000
health_without_auth: true
)");
  const TlsServerConfig& tls = *config.tls;
  EXPECT_EQ(tls.certificate.text, "some certificate\n");
  EXPECT_EQ(tls.private_key.text, "some key");
  EXPECT_EQ(tls.client_ca.text, "some CA");
  EXPECT_EQ(tls.client_auth, ClientAuth::kVerifyIfGiven);
  EXPECT_THAT(tls.client_allowed_sans, ElementsAre("a.example", "10.0.0.1"));
  EXPECT_EQ(tls.min_version, TLS1_VERSION);
  EXPECT_EQ(tls.max_version, TLS1_2_VERSION);
  EXPECT_EQ(tls.ciphers,
            "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305");
  EXPECT_EQ(tls.ciphersuites, "TLS_AES_256_GCM_SHA384");
  EXPECT_FALSE(tls.prefer_server_ciphers);
  EXPECT_EQ(tls.groups, "P-384:X25519");
  EXPECT_TRUE(config.wants_http2);
  ASSERT_EQ(config.headers.size(), 5U);
  EXPECT_EQ(config.headers[1].name, "X-Frame-Options");
  EXPECT_EQ(config.headers[1].value, "sameorigin");
  EXPECT_EQ(config.headers[3].value, "");
  EXPECT_TRUE(config.health_without_auth);
}

TEST(WebConfigTest, UsersHaveBcryptHashes) {
  const std::string hash = test::bcrypt_hash("some");
  const WebConfig config =
      parsed("basic_auth_users:\n  alice: " + hash + "\n  1234: " + hash);
  EXPECT_EQ(config.users.at("alice"), hash);
  EXPECT_EQ(config.users.at("1234"), hash);
}

TEST(WebConfigTest, SuitesOfTls13AloneLeaveNoOlderVersion) {
  const TlsServerConfig tls =
      *parsed(with_tls("  cipher_suites: [TLS_AES_256_GCM_SHA384]\n")).tls;
  EXPECT_EQ(tls.min_version, TLS1_3_VERSION);
  EXPECT_THAT(mistake(with_tls("  cipher_suites: [TLS_AES_256_GCM_SHA384]\n"
                               "  max_version: TLS12\n")),
              HasSubstr("min_version is above max_version"));
}

TEST(WebConfigTest, AnUnknownKeyIsToldWithFileLineAndNearestName) {
  EXPECT_EQ(mistake("tls_server_config:\n  cert_fil: a\n"),
            "/etc/exporter/web.yml:2: tls_server_config: unknown key "
            "\"cert_fil\"; the nearest known one is cert_file");
  EXPECT_EQ(mistake("# a comment\nbasic_auth_user: {}\n"),
            "/etc/exporter/web.yml:2: unknown key \"basic_auth_user\"; the "
            "nearest known one is basic_auth_users");
  EXPECT_THAT(mistake("http_server_config:\n  headers:\n    X-Frame-Option: x"),
              HasSubstr(":3: http_server_config: headers: unknown key"));
}

TEST(WebConfigTest, AMistakeAtTheEndIsInTheLastLine) {
  for (const char* end : {"", "\n"}) {
    EXPECT_THAT(mistake("basic_auth_users: {alice: x" + std::string(end)),
                StartsWith("/etc/exporter/web.yml:1: no YAML: "));
    EXPECT_THAT(mistake("health_without_auth: true\nbasic_auth_users: [" +
                        std::string(end)),
                StartsWith("/etc/exporter/web.yml:2: no YAML: "));
  }
}

TEST(WebConfigTest, MoreThanOneDocumentIsRefused) {
  EXPECT_THAT(mistake("---\n---\n"),
              AllOf(StartsWith("/etc/exporter/web.yml:2: "),
                    HasSubstr("expected one document")));
  // What yaml-cpp takes for documents without end.
  EXPECT_THAT(mistake(","), HasSubstr("expected one document"));
}

TEST(WebConfigTest, WhatIsNestedTooDeepIsRefused) {
  EXPECT_THAT(mistake(std::string(30'000, '[')), HasSubstr("nested too deep"));
}

TEST(WebConfigTest, AKeyGivenTwiceIsRefused) {
  EXPECT_THAT(
      mistake("health_without_auth: true\nhealth_without_auth: false\n"),
      HasSubstr(":2: \"health_without_auth\" is given twice"));
}

TEST(WebConfigTest, WrongTypesAndWordsAreToldWithoutTheirValue) {
  const std::vector<std::string> texts = {
      "hunter2hunter2",
      "- hunter2\n",
      "tls_server_config: hunter2\n",
      with_tls("  min_version: hunter2\n"),
      with_tls("  client_auth_type: hunter2\n"),
      with_tls("  cipher_suites: hunter2\n"),
      with_tls("  cipher_suites: [hunter2]\n"),
      with_tls("  cipher_suites: [{hunter2: 1}]\n"),
      with_tls("  curve_preferences: [hunter2]\n"),
      with_tls("  prefer_server_cipher_suites: hunter2\n"),
      with_tls("  client_ca: [hunter2]\n"),
      "http_server_config:\n  http2: hunter2\n",
      "http_server_config:\n  headers:\n    X-Frame-Options: hunter2\n",
      "http_server_config:\n  headers:\n    X-Content-Type-Options: hunter2\n",
      "http_server_config:\n  headers:\n    X-XSS-Protection: \"hunter2\\n\"\n",
      "health_without_auth: \"hunter2\"\n",
      "health_without_auth: \"true\"\n",
      "basic_auth_users: [hunter2]\n",
      "basic_auth_users:\n  alice: hunter2\n",
      "basic_auth_users:\n  alice: *hunter2\n",
      "basic_auth_users:\n  alice: {hunter2: 1}\n",
      "basic_auth_users:\n  alice: \"hunter2\n",
      "basic_auth_users:\n\talice: hunter2\n",
      "a: b\n---\nhunter2: 1\n",
  };
  for (const std::string& text : texts) {
    EXPECT_THAT(mistake(text), AllOf(StartsWith("/etc/exporter/web.yml:"),
                                     Not(HasSubstr("hunter2"))))
        << text;
  }
}

TEST(WebConfigTest, HashesThatAreNoBcryptAreRefused) {
  const std::string good = test::bcrypt_hash("some");
  std::vector<std::string> bad = {"plain", good + "x",
                                  good.substr(0, good.size() - 1),
                                  "$1$abc$defghijklmnopqrstuvwx/"};
  for (const auto& [at, c] :
       {std::pair<std::size_t, char>{2, 'z'}, {4, 'x'}, {6, '.'}, {30, '!'}}) {
    std::string changed = good;
    changed[at] = c;
    bad.push_back(changed);
  }
  for (const std::string& hash : bad) {
    EXPECT_THAT(
        mistake("basic_auth_users:\n  ok: " + good + "\n  alice: " + hash),
        AllOf(HasSubstr(":3: basic_auth_users: \"alice\": no bcrypt hash"),
              Not(HasSubstr(hash))));
  }
  std::string costly = good;
  costly.replace(4, 2, "17");
  EXPECT_THAT(mistake("basic_auth_users:\n  alice: " + costly),
              HasSubstr(":2: basic_auth_users: \"alice\": a login would take "
                        "many seconds; expected a cost of at most 16"));
}

TEST(WebConfigTest, AHashAsAUsersNameIsNotShown) {
  const std::string hash = "$2y$10$" + std::string(53, 's');
  const std::string user = "basic_auth_users:\n  '" + hash + "': ";
  for (const std::string& text :
       {user + "alice", user + "{a: 1}", user + "x\n  '" + hash + "': y"}) {
    EXPECT_THAT(mistake(text),
                AllOf(HasSubstr("basic_auth_users: "), Not(HasSubstr("sss"))));
  }
}

// Where the toolkit would serve without what was asked for.
TEST(WebConfigTest, DoorsLeftOpenInSilenceAreRefused) {
  EXPECT_THAT(mistake("tls_server_config:\n  min_version: TLS13\n"),
              HasSubstr("no cert_file; expected cert_file and key_file"));
  EXPECT_THAT(mistake("tls_server_config:\n  cert_file: a.pem\n"),
              HasSubstr("no key_file"));
  EXPECT_THAT(mistake(with_tls("  cert: x\n")),
              HasSubstr("cert contradicts cert_file"));
  EXPECT_THAT(mistake(with_tls("  client_ca_file: ca.pem\n")),
              HasSubstr(":4: client_ca_file: nobody is asked"));
  EXPECT_THAT(mistake(with_tls("  client_allowed_sans: [a.example]\n")),
              HasSubstr("client_allowed_sans: nobody is asked"));
  EXPECT_THAT(
      mistake(with_tls("  client_auth_type: RequireAndVerifyClientCert\n")),
      HasSubstr(":4: client_auth_type: verifying needs a CA"));
  EXPECT_THAT(mistake(with_tls("  min_version: TLS13\n"
                               "  max_version: TLS12\n")),
              HasSubstr("min_version is above max_version"));
}

TEST(WebConfigTest, AHugeFileIsRefused) {
  const std::size_t most = 64 << 10;
  EXPECT_EQ(mistake(std::string(most + 1, '#')),
            "/etc/exporter/web.yml: is larger than 64 KiB; expected settings "
            "alone, and certificates in files of their own");
  parsed(std::string(most, '#'));
}

}  // namespace
}  // namespace dbpool::exporter
