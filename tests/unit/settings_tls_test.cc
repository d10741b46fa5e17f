// decide_tls(): what DB_SSL, DB_SSL_REJECT_UNAUTHORIZED and the URL make
// together.
#include "exporter/settings/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/scoped_env.h"
#include "tests/unit/settings_fixture.h"
#include "tests/unit/settings_tls_fixture.h"

namespace dbpool::exporter {
namespace {

using settings_test::decide;
using settings_test::Decided;
using settings_test::kDatabase;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::optional<bool> kUnset = std::nullopt;

struct Case {
  const char* url_mode;  // "" for none
  std::optional<bool> ssl, reject;
  bool production;
  const char* expected;  // the mode, or "error"
};

TEST(Tls, TheWholeTable) {
  const Case cases[] = {
      // Nothing said: the profile.
      {"", kUnset, kUnset, true, "verify-full"},
      {"", kUnset, kUnset, false, "disable"},
      // DB_SSL alone.
      {"", true, kUnset, false, "verify-full"},
      {"", false, kUnset, true, "disable"},
      // DB_SSL_REJECT_UNAUTHORIZED alone.
      {"", kUnset, true, true, "verify-full"},
      {"", kUnset, false, true, "require"},
      {"", kUnset, true, false, "disable"},
      {"", kUnset, false, false, "disable"},
      // Both.
      {"", true, true, false, "verify-full"},
      {"", true, false, false, "require"},
      {"", false, true, true, "disable"},
      {"", false, false, true, "disable"},
      // The URL stands over the profile.
      {"disable", kUnset, kUnset, true, "disable"},
      {"prefer", kUnset, kUnset, true, "prefer"},
      {"require", kUnset, kUnset, true, "require"},
      {"verify-ca", kUnset, kUnset, false, "verify-ca"},
      {"verify-full", kUnset, kUnset, false, "verify-full"},
      // A variable stands over a URL that leaves it open …
      {"prefer", true, kUnset, false, "verify-full"},
      {"allow", true, false, false, "require"},
      {"prefer", false, kUnset, true, "disable"},
      {"prefer", kUnset, true, false, "verify-full"},
      {"prefer", kUnset, false, true, "prefer"},
      {"require", true, kUnset, false, "require"},
      {"require", kUnset, true, false, "verify-full"},
      {"require", true, false, false, "require"},
      {"verify-ca", true, kUnset, false, "verify-ca"},
      {"verify-ca", true, true, false, "verify-full"},
      {"disable", false, kUnset, true, "disable"},
      {"disable", false, true, true, "disable"},
      {"disable", kUnset, false, true, "disable"},
      // … or forbids what it demands, and stops the start where the two exclude
      // each other.
      {"disable", true, kUnset, false, "verify-full"},
      {"disable", true, true, false, "verify-full"},
      {"disable", true, false, false, "require"},
      {"disable", kUnset, true, false, "error"},
      {"require", false, kUnset, false, "error"},
      {"verify-ca", false, kUnset, false, "error"},
      {"verify-full", false, false, false, "error"},
      {"verify-full", kUnset, false, true, "error"},
      {"verify-ca", true, false, false, "error"},
  };
  for (const Case& c : cases) {
    const std::string query =
        *c.url_mode == 0 ? "" : "?sslmode=" + std::string(c.url_mode);
    const Decided decided = decide("postgres://app@db.example/x" + query,
                                   {.ssl = c.ssl,
                                    .reject_unauthorized = c.reject,
                                    .ssl_by_default = c.production});
    const bool failed = !decided.decision.errors.empty();
    EXPECT_EQ(failed ? "error" : decided.mode, c.expected)
        << query << " ssl " << testing::PrintToString(c.ssl) << " reject "
        << testing::PrintToString(c.reject) << " production " << c.production;
  }
}

TEST(Tls, ContradictionsNameWhatWasGivenAndWhatIsAccepted) {
  EXPECT_THAT(decide("postgres://db/x?sslmode=require",
                     {.ssl = false, .ssl_name = "--db.ssl"})
                  .decision.errors,
              ElementsAre("--db.ssl=false contradicts sslmode=require in "
                          "DATABASE_URL; expected disable there, or no "
                          "--db.ssl"));
  EXPECT_THAT(decide("postgres://db/x?sslrootcert=/ca.pem",
                     {.ssl = true, .reject_unauthorized = false})
                  .decision.errors,
              ElementsAre(StartsWith("DB_SSL_REJECT_UNAUTHORIZED=false "
                                     "contradicts sslrootcert")));
}

TEST(Tls, VerificationUsesTheSystemsRootsUnlessOthersAreNamed) {
  EXPECT_EQ(decide("postgres://db/x", {.ssl = true}).roots,
            system_roots_file());
  EXPECT_EQ(decide("postgres://db/x?sslmode=verify-ca", {}).roots,
            system_roots_file());
  EXPECT_EQ(decide("postgres://db/x", {.ssl = false}).roots, "unset");
  EXPECT_EQ(
      decide("postgres://db/x", {.ssl = true, .reject_unauthorized = false})
          .roots,
      kNoTlsFile)
      << "not even those of ~/.postgresql";
}

TEST(Tls, RootsOfTheSystemThatAreMissingAreWarnedOf) {
  for (const char* url : {kDatabase, "postgres://db/x?sslrootcert=system"}) {
    const Decided decided =
        decide(url, {.ssl = true, .system_roots = "/nonexistent/roots"});
    EXPECT_THAT(decided.decision.errors, IsEmpty());
    EXPECT_EQ(decided.roots, "/nonexistent/roots");
    ASSERT_EQ(decided.decision.notices.size(), 1U);
    EXPECT_EQ(decided.decision.notices[0].text,
              "the database's certificate cannot be verified: there is no "
              "/nonexistent/roots; install ca-certificates or give DB_SSL_CA");
  }
}

TEST(Tls, EncryptionWithoutVerificationIsWarnedOfOnce) {
  for (const Decided& decided :
       {decide("postgres://db/x", {.ssl = true, .reject_unauthorized = false}),
        decide("postgres://db/x?sslmode=require", {}),
        decide("postgres://db/x", {.libpq = {{"PGSSLMODE", "require"}}}),
        decide("postgres://db/x", {.reject_unauthorized = false,
                                  .libpq = {{"PGSSLMODE", "require"}}})}) {
    ASSERT_EQ(decided.decision.notices.size(), 1U);
    EXPECT_EQ(decided.decision.notices[0].level, LogLevel::kWarn);
    EXPECT_THAT(decided.decision.notices[0].text, HasSubstr("not verified"));
  }
  EXPECT_THAT(decide("postgres://db/x", {.ssl = false}).decision.notices,
              IsEmpty());
}

TEST(Tls, PgSslModeStandsOverTheProfileAndUnderTheVariables) {
  struct {
    const char* variable;
    std::optional<bool> ssl, reject;
    bool production;
    const char* expected;  // the mode and who decided it
  } const cases[] = {
      {"allow", kUnset, kUnset, true, "allow PGSSLMODE"},
      {"disable", kUnset, kUnset, true, "disable PGSSLMODE"},
      {"allow", true, kUnset, false, "verify-full DB_SSL"},
      {"require", true, kUnset, false, "verify-full DB_SSL"},
      {"verify-ca", true, kUnset, false, "verify-full DB_SSL"},
      {"verify-full", true, false, false, "require DB_SSL"},
      {"verify-full", false, kUnset, false, "disable DB_SSL"},
      // Nothing is verified where that is asked for …
      {"verify-full", kUnset, false, false,
       "require DB_SSL_REJECT_UNAUTHORIZED"},
      {"verify-ca", kUnset, false, true, "require DB_SSL_REJECT_UNAUTHORIZED"},
      {"require", kUnset, false, true, "require PGSSLMODE"},
      {"prefer", kUnset, false, true, "prefer PGSSLMODE"},
      {"disable", kUnset, false, true, "disable PGSSLMODE"},
      // … and all of it where TLS is on.
      {"require", kUnset, true, false,
       "verify-full DB_SSL_REJECT_UNAUTHORIZED"},
      {"prefer", kUnset, true, false, "verify-full DB_SSL_REJECT_UNAUTHORIZED"},
      {"disable", kUnset, true, false, "disable PGSSLMODE"},
      {"disable", kUnset, true, true, "verify-full DB_SSL_REJECT_UNAUTHORIZED"},
  };
  for (const auto& c : cases) {
    const Decided decided =
        decide(kDatabase, {.ssl = c.ssl,
                           .reject_unauthorized = c.reject,
                           .ssl_by_default = c.production,
                           .libpq = {{"PGSSLMODE", c.variable}}});
    EXPECT_THAT(decided.decision.errors, IsEmpty());
    EXPECT_EQ(decided.mode + " " + decided.decision.mode_source, c.expected)
        << c.variable << " ssl " << testing::PrintToString(c.ssl) << " reject "
        << testing::PrintToString(c.reject) << " production " << c.production;
  }
  EXPECT_EQ(decide("postgres://db/x?sslmode=require",
                   {.libpq = {{"PGSSLMODE", "allow"}}})
                .mode,
            "require");
}

TEST(Tls, WhatIsNotUsedForWantOfVerificationIsNamed) {
  const Decided decided = decide(
      kDatabase,
      {.reject_unauthorized = false,
       .libpq = {{"PGSSLMODE", "verify-full"}, {"PGSSLROOTCERT", "/ca.pem"}}});
  EXPECT_EQ(decided.roots, kNoTlsFile);
  ASSERT_EQ(decided.decision.notices.size(), 1U);
  EXPECT_THAT(decided.decision.notices[0].text,
              HasSubstr("(PGSSLMODE=verify-full and PGSSLROOTCERT are not "
                        "used)"));
}

class TlsMaterialSettings : public testing::Test {
 protected:
  TlsWishes with_ca(TlsWishes wishes = {}) const {
    wishes.material.ca = ca_.certificate();
    return wishes;
  }
  TlsWishes with_client(TlsWishes wishes = {}) const {
    wishes.material.certificate = client_.certificate;
    wishes.material.key = client_.key;
    return wishes;
  }

  const test::CertificateAuthority ca_{"Test CA"};
  const test::KeyPair client_ = ca_.issue({.common_name = "app"});
};

TEST_F(TlsMaterialSettings, MeansTlsWhereNothingElseIsSaid) {
  for (const char* url :
       {"postgres://db/x", "postgres://db/x?sslmode=prefer",
        "postgres://db/x?sslmode=disable", "postgres://db/x?sslmode=require"}) {
    const Decided decided = decide(url, with_ca());
    EXPECT_THAT(decided.decision.errors, IsEmpty());
    EXPECT_EQ(decided.mode, "verify-full") << url;
    EXPECT_THAT(decided.roots, StartsWith("/proc/self/fd/")) << url;
  }
  const Decided client = decide("postgres://db/x", with_client());
  EXPECT_EQ(client.mode, "verify-full");
  EXPECT_EQ(client.roots, system_roots_file());
  EXPECT_EQ(decide("postgres://db/x?sslmode=require", with_client()).mode,
            "require");
  EXPECT_EQ(decide("postgres://db/x?sslmode=verify-ca", with_ca()).mode,
            "verify-ca");
}

TEST_F(TlsMaterialSettings, StandsOverTheFilesInTheUrl) {
  auto database = ConnectionString::parse(
      "postgres://db/x?sslmode=verify-full&sslrootcert=/ca&sslcert=/crt&"
      "sslkey=/key");
  ASSERT_TRUE(database);
  ASSERT_THAT(decide_tls(*database, with_client(with_ca())).errors, IsEmpty());
  for (const char* keyword : {"sslrootcert", "sslcert", "sslkey"}) {
    EXPECT_THAT(database->get(keyword).value_or(""),
                StartsWith("/proc/self/fd/"))
        << keyword;
  }
}

TEST_F(TlsMaterialSettings, ContradictsTlsThatIsTurnedOff) {
  EXPECT_THAT(
      decide("postgres://db/x", with_ca({.ssl = false})).decision.errors,
      ElementsAre("DB_SSL_CA contradicts DB_SSL=false; expected one of "
                  "them unset"));
  TlsWishes wishes = with_client({.ssl = false});
  wishes.certificate = {"DB_SSL_CERT_FILE", ""};
  EXPECT_THAT(decide("postgres://db/x", wishes).decision.errors,
              ElementsAre(StartsWith("DB_SSL_CERT_FILE contradicts ")));
}

TEST_F(TlsMaterialSettings, ACaIsNotUsedWhereNothingIsToBeVerified) {
  const Decided decided = decide(
      "postgres://db/x", with_ca({.ssl = true, .reject_unauthorized = false}));
  EXPECT_THAT(decided.decision.errors, IsEmpty());
  EXPECT_EQ(decided.mode, "require");
  EXPECT_EQ(decided.roots, kNoTlsFile);
  ASSERT_EQ(decided.decision.notices.size(), 1U);
  EXPECT_THAT(decided.decision.notices[0].text,
              HasSubstr("DB_SSL_CA is not used"));
}

TEST_F(TlsMaterialSettings, AMistakeIsToldOfTheVariableThatItCameBy) {
  TlsWishes wishes = with_client();
  wishes.material.key = ca_.issue({.common_name = "other"}).key;
  wishes.key = {"DB_SSL_KEY_FILE", ""};
  EXPECT_THAT(decide("postgres://db/x", wishes).decision.errors,
              ElementsAre(StartsWith("DB_SSL_KEY_FILE: does not match")));
}

TEST(Tls, VerificationThatIsAskedForWithoutTlsIsWarnedOf) {
  const Decided decided = decide(kDatabase, {.reject_unauthorized = true});
  EXPECT_EQ(decided.mode, "disable");
  EXPECT_EQ(decided.decision.mode_source, "profile");
  ASSERT_EQ(decided.decision.notices.size(), 1U);
  EXPECT_EQ(decided.decision.notices[0].level, LogLevel::kWarn);
  EXPECT_EQ(decided.decision.notices[0].text,
            "DB_SSL_REJECT_UNAUTHORIZED=true verifies nothing: TLS to the "
            "database is off; DB_SSL=true turns it on");
  EXPECT_THAT(
      decide(kDatabase, {.reject_unauthorized = false}).decision.notices,
      IsEmpty());
  EXPECT_THAT(decide(kDatabase, {.ssl = false, .reject_unauthorized = true})
                  .decision.notices,
              IsEmpty());
}

TEST(Tls, VerificationThatPgSslModeTurnsOffIsWarnedOf) {
  const Decided decided = decide(
      kDatabase,
      {.reject_unauthorized = true, .libpq = {{"PGSSLMODE", "disable"}}});
  ASSERT_EQ(decided.decision.notices.size(), 1U);
  EXPECT_THAT(decided.decision.notices[0].text,
              StartsWith("DB_SSL_REJECT_UNAUTHORIZED=true verifies nothing"));
}

TEST(Tls, AVariableThatStandsOverTheUrlIsSaid) {
  for (const std::string mode : {"disable", "allow", "prefer"}) {
    const Decided decided =
        decide("postgres://db/x?sslmode=" + mode, {.ssl = true});
    EXPECT_EQ(decided.mode, "verify-full");
    ASSERT_EQ(decided.decision.notices.size(), 1U) << mode;
    EXPECT_EQ(decided.decision.notices[0].level, LogLevel::kWarn);
    EXPECT_THAT(decided.decision.notices[0].text,
                StartsWith("DB_SSL=true stands over sslmode=" + mode +
                           " in DATABASE_URL"));
  }
}

TEST(Tls, AnUnknownPgSslModeIsItsOwnMistake) {
  const test::ScopedEnv env("PGSSLMODE", "full");
  EXPECT_THAT(
      settings_test::mistakes({{"PGSSLMODE", "full"}}),
      ElementsAre("PGSSLMODE=\"full\": expected disable, allow, prefer, "
                  "require, verify-ca or verify-full"));
}

TEST(Tls, AFileThatCannotBeReadIsTheOnlyMistake) {
  const test::CertificateAuthority ca("Test CA");
  const std::string key = ca.issue({.common_name = "app"}).key;
  EXPECT_THAT(settings_test::mistakes(
                  {{"DB_SSL_CERT_FILE", "/nonexistent"}, {"DB_SSL_KEY", key}}),
              ElementsAre(StartsWith("DB_SSL_CERT_FILE=\"/nonexistent\"")));
}

TEST(Tls, UnixSocketsAreLeftAloneAndSaidSoAtInfo) {
  for (const char* url : {"postgres:///x?host=/run/postgresql",
                          "host=/run/postgresql,/tmp dbname=x"}) {
    const Decided decided = decide(url, {.ssl_by_default = true});
    EXPECT_EQ(decided.mode, "unset") << url;
    ASSERT_EQ(decided.decision.notices.size(), 1U);
    EXPECT_EQ(decided.decision.notices[0].level, LogLevel::kInfo);
    EXPECT_THAT(decide(url, {}).decision.notices, IsEmpty());
  }
  EXPECT_EQ(
      decide("host=/tmp dbname=x sslmode=require", {}).decision.notices.size(),
      1U);
  EXPECT_EQ(decide("host=/run/postgresql,db.example dbname=x",
                   {.ssl_by_default = true})
                .mode,
            "verify-full");
}

TEST(Tls, TheSslModeInForceIsShownWithWhatDecidedIt) {
  using settings_test::effective;
  const auto shown = [](const Environment& environment) {
    const Settings s = settings_test::load(environment);
    return effective(s, "sslmode") + ", " + effective(s, "sslmode_from") +
           ", DB_SSL " + effective(s, "DB_SSL");
  };
  const std::pair<std::string, std::string> production{"NODE_ENV",
                                                       "production"};
  EXPECT_EQ(shown({production,
                   {"DATABASE_URL", settings_test::kUrl + "?sslmode=prefer"}}),
            "prefer by derived, DATABASE_URL by derived, DB_SSL missing")
      << "the profile's default is not in force";
  EXPECT_EQ(shown({production}),
            "verify-full by derived, profile by derived, DB_SSL missing");
  EXPECT_EQ(shown({}),
            "disable by derived, profile by derived, DB_SSL missing");
  EXPECT_EQ(shown({{"DB_SSL", "on"}}),
            "verify-full by derived, DB_SSL by derived, DB_SSL on by "
            "environment");
  EXPECT_EQ(shown({{"PGSSLMODE", "allow"}}),
            "allow by derived, PGSSLMODE by derived, DB_SSL missing");
  EXPECT_EQ(shown({production, {"DB_SSL_REJECT_UNAUTHORIZED", "false"}}),
            "require by derived, DB_SSL_REJECT_UNAUTHORIZED by derived, DB_SSL "
            "missing");
  EXPECT_EQ(shown({production, {"DATABASE_URL", "postgresql:///x?host=/tmp"}}),
            "disable by derived, socket by derived, DB_SSL missing");
}

}  // namespace
}  // namespace dbpool::exporter
