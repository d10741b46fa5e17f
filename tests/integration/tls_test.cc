// TLS with a private CA against a server that demands client certificates:
// the right ones, and each wrong one with its cause and cure.
#include <filesystem>
#include <string>

#include "dbpool/pool.h"
#include "tests/integration/opening_fixture.h"
#include "tests/support/certificates.h"
#include "tests/support/eventually.h"
#include "tests/support/scoped_env.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using std::chrono::hours;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class TlsTest : public testing::Test {
 protected:
  TlsTest() : server_(server_options()) {}

  PostgresOptions server_options() const {
    const KeyPair own = server_pair(hours(10));
    PostgresOptions options = with_tls(own);
    options.config.emplace_back("ssl_ca_file = 'root.crt'");
    options.files["root.crt"] = ca_.certificate();
    options.hba = {
        "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full",
        "host all all 127.0.0.1/32 reject"};
    return options;
  }
  KeyPair server_pair(
      hours ends, hours begins = hours(-24),
      const std::string& names = "IP:127.0.0.1,DNS:db.example") const {
    return ca_.issue({.common_name = "db.example",
                      .alternative_names = names,
                      .begins = begins,
                      .ends = ends});
  }
  // The server's next sessions have this certificate.
  void rotate(const KeyPair& pair) {
    replace("server.key", pair.key);
    replace("server.crt", pair.certificate);
    server_.reload();
  }
  void replace(const std::string& name, const std::string& text) const {
    // Keeps owner and mode.
    write_file(server_.data_dir() + "/" + name, text);
  }

  TlsOptions options(const KeyPair& client) const {
    return {.ca = base64(ca_.certificate()),
            .certificate = base64(client.certificate),
            .key = base64(client.key)};
  }
  ConnectionString target_with(const TlsOptions& tls,
                               const std::string& more = {}) const {
    auto parsed = ConnectionString::parse(over_tcp(server_.port(), more));
    EXPECT_TRUE(parsed);
    const auto set = parsed->set_tls(tls);
    EXPECT_TRUE(set) << (set ? "" : set.error().message);
    return *parsed;
  }
  Error failure(const ConnectionString& target) const {
    const auto connected = connect(target, {.timeout = kLongEnough});
    EXPECT_FALSE(connected);
    return connected ? Error{} : connected.error();
  }
  void expect_tls(const ConnectionString& target,
                  const std::string& cause) const {
    const Error error = failure(target);
    EXPECT_EQ(error.connect_failure, ConnectFailure::kTls) << error.message;
    EXPECT_THAT(error.message, HasSubstr(cause));
  }
  // As expect_tls(), once the server has re-read its files.
  void eventually_tls(const ConnectionString& target,
                      const std::string& cause) const {
    EXPECT_TRUE(eventually(std::chrono::seconds(60), [&] {
      const auto connected = connect(target, {.timeout = kLongEnough});
      return !connected &&
             connected.error().connect_failure == ConnectFailure::kTls &&
             connected.error().message.find(cause) != std::string::npos;
    })) << failure(target).message;
  }

  const CertificateAuthority ca_{"Test CA"};
  const CertificateAuthority stranger_{"Stranger CA"};
  const KeyPair client_ = ca_.issue({.common_name = std::string(kAppUser)});
  Postgres server_;
};

TEST_F(TlsTest, TheRightCertificatesOpenAndAreTold) {
  auto pool = Pool::create(target_with(options(client_)));
  ASSERT_TRUE(pool);
  ASSERT_TRUE(pool->acquire());
  const TlsStats tls = pool->stats().tls;
  EXPECT_EQ(tls.version, "TLSv1.3");
  EXPECT_THAT(tls.cipher, HasSubstr("TLS_"));
  const auto now = std::chrono::system_clock::now();
  ASSERT_TRUE(tls.server && tls.client && tls.ca);
  EXPECT_GT(*tls.server - now, hours(9));
  EXPECT_LT(*tls.server - now, hours(11));
  EXPECT_GT(*tls.client - now, hours(23));
  EXPECT_LT(*tls.client - now, hours(25));
  EXPECT_GT(*tls.ca - now, hours(47));
  EXPECT_LT(*tls.ca - now, hours(49));
}

TEST_F(TlsTest, AnUnknownCaIsToldWithTheIssuer) {
  TlsOptions tls = options(client_);
  tls.ca = stranger_.certificate();
  expect_tls(target_with(tls),
             "signed by an unknown CA (issuer \"CN=Test CA\")");
}

TEST_F(TlsTest, WhatIsNotToBeVerifiedIsNotWhoeverHasARoot) {
  const TempDir home;
  const std::string root = home.path() + "/.postgresql/root.crt";
  std::filesystem::create_directory(home.path() + "/.postgresql");
  write_file(root, stranger_.certificate());
  TlsOptions tls = options(client_);
  tls.verify = TlsVerify::kNothing;
  for (const std::string& ca : {std::string(), stranger_.certificate()}) {
    tls.ca = ca;
    for (const char* variable :
         {static_cast<const char*>(nullptr), root.c_str()}) {
      const ScopedEnv in_home("HOME", home.path().c_str());
      const ScopedEnv in_variable("PGSSLROOTCERT", variable);
      const auto connected =
          connect(target_with(tls), {.timeout = kLongEnough});
      EXPECT_TRUE(connected) << (connected ? "" : connected.error().message);
    }
  }
}

TEST_F(TlsTest, AHostNameThatIsNotInTheCertificateIsToldWithThoseThatAre) {
  auto target = target_with(options(client_));
  ASSERT_TRUE(target.set("host", "wrong.example"));
  ASSERT_TRUE(target.set("hostaddr", "127.0.0.1"));
  expect_tls(target,
             "not for the host name \"wrong.example\" but for 127.0.0.1, "
             "db.example");
}

TEST_F(TlsTest, AnExpiredServerCertificateIsToldWithItsEnd) {
  rotate(server_pair(hours(-1)));
  eventually_tls(target_with(options(client_)),
                 "the server's certificate expired on ");
}

TEST_F(TlsTest, AServerCertificateOfTheFutureIsTold) {
  rotate(server_pair(hours(5), hours(2)));
  eventually_tls(target_with(options(client_)),
                 "the server's certificate is not valid before ");
}

TEST_F(TlsTest, AVersionThatTheServerDoesNotSpeakIsTold) {
  server_.configure({"ssl_min_protocol_version = 'TLSv1.3'"});
  server_.restart();
  expect_tls(target_with(options(client_), "ssl_max_protocol_version=TLSv1.2"),
             "none of the TLS versions offered");
}

TEST_F(TlsTest, AMissingClientCertificateIsToldAsRequired) {
  const Error error = failure(target_with({.ca = ca_.certificate()}));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTls) << error.message;
  EXPECT_THAT(error.message, HasSubstr("DB_SSL_CERT and DB_SSL_KEY"));
}

TEST_F(TlsTest, AClientCertificateOfAnotherCaIsRefusedInBothVersions) {
  const KeyPair other = stranger_.issue({.common_name = std::string(kAppUser)});
  for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
    const Error error = failure(target_with(
        options(other), "ssl_max_protocol_version=" + std::string(version)));
    EXPECT_EQ(error.connect_failure, ConnectFailure::kTls) << error.message;
    // An alert may be lost as the server hangs up.
    EXPECT_THAT(error.message,
                AnyOf(HasSubstr("refused the client certificate: its CA"),
                      HasSubstr("hung up on getting the client certificate")));
  }
}

TEST_F(TlsTest, AClientCertificateForAnotherUserIsNamedWithThatUser) {
  const ConnectionString target =
      target_with(options(ca_.issue({.common_name = "somebody"})));
  struct Case {
    const char* method;
    const char* words;
    ConnectFailure reason;
  };
  const Case cases[] = {
      // The server's words are those of a wrong password, which it may be.
      {"scram-sha-256 clientcert=verify-full", "password authentication failed",
       ConnectFailure::kAuth},
      {"trust clientcert=verify-full", "\"trust\" authentication failed",
       ConnectFailure::kTls},
      {"cert", "certificate authentication failed", ConnectFailure::kTls},
  };
  for (const Case& each : cases) {
    server_.set_hba({"hostssl all all 127.0.0.1/32 " + std::string(each.method),
                     "host all all 127.0.0.1/32 reject"});
    server_.reload();
    Error error;
    EXPECT_TRUE(eventually(std::chrono::seconds(60), [&] {
      error = failure(target);
      return error.message.find(each.words) != std::string::npos;
    })) << each.method;
    EXPECT_EQ(error.connect_failure, each.reason) << error.message;
    EXPECT_THAT(error.message,
                HasSubstr("the client certificate is for \"somebody\" and the "
                          "user is \"app\""));
  }
}

TEST_F(TlsTest, AServerWithoutTlsIsTold) {
  expect_tls(
      [&] {
        server_.configure({"ssl = off"});
        server_.set_hba({});
        server_.restart();
        return target_with(options(client_));
      }(),
      "the server has no TLS");
}

TEST_F(TlsTest, ARotatedServerCertificateIsPickedUpInMidRun) {
  PoolOptions few;
  few.min_connections = 0;
  few.max_uses = 1;
  auto pool = Pool::create(target_with(options(client_)), few);
  ASSERT_TRUE(pool);
  ASSERT_TRUE(pool->acquire());
  const auto before = pool->stats().tls.server;
  ASSERT_TRUE(before);
  rotate(server_pair(hours(20)));
  EXPECT_TRUE(eventually(std::chrono::seconds(60), [&] {
    return pool->acquire() && *pool->stats().tls.server > *before + hours(5);
  }));
}

TEST_F(TlsTest, ARotatedClientCertificateReplacesTheSessionsOfTheOldOne) {
  const auto serials = [&] {
    return server_.sql(
        "SELECT DISTINCT client_serial FROM pg_stat_ssl "
        "WHERE client_serial IS NOT NULL");
  };
  PoolOptions few;
  few.min_connections = 2;
  auto pool = Pool::create(target_with(options(client_)), few);
  ASSERT_TRUE(pool);
  ASSERT_TRUE(pool->acquire());
  const SqlRows before = serials();
  ASSERT_EQ(before.size(), 1u);
  // The same once more, in files of its own, is no change.
  ASSERT_TRUE(pool->retarget(target_with(options(client_))));
  EXPECT_EQ(pool->stats().tls.version, "TLSv1.3");
  const KeyPair next =
      ca_.issue({.common_name = std::string(kAppUser), .ends = hours(40)});
  ASSERT_TRUE(pool->retarget(target_with(options(next))));
  EXPECT_TRUE(eventually(std::chrono::seconds(60), [&] {
    const SqlRows now = serials();
    return now.size() == 1 && now != before;
  }));
  EXPECT_GT(*pool->stats().tls.client - std::chrono::system_clock::now(),
            hours(39));
}

TEST_F(TlsTest, ManyOpeningsAtOnceShareTheCrew) {
  PoolOptions many;
  many.min_connections = 20;
  many.max_connections = 20;
  many.max_concurrent_openings = 20;
  auto pool = Pool::create(target_with(options(client_)), many);
  ASSERT_TRUE(pool);
  EXPECT_TRUE(eventually(std::chrono::seconds(60), [&] {
    return pool->stats().opened >= 20;
  })) << pool->stats().last_failure.message;
}

}  // namespace
}  // namespace dbpool::test
