// decide_tls(): what DB_SSL, DB_SSL_REJECT_UNAUTHORIZED and the URL make
// together.
#include "exporter/settings/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/scoped_env.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/settings_fixture.h"

namespace dbpool::exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr std::optional<bool> kUnset = std::nullopt;
constexpr const char* kUrl = "postgres://db/x";

struct Decided {
  TlsDecision decision;
  std::string mode = "unset";
  std::string roots = "unset";
};

Decided decide(const std::string& url, TlsWishes wishes) {
  auto database = ConnectionString::parse(url);
  EXPECT_TRUE(database.has_value()) << url;
  Decided decided;
  decided.decision = decide_tls(*database, wishes);
  decided.mode = database->get("sslmode").value_or("unset");
  decided.roots = database->get("sslrootcert").value_or("unset");
  return decided;
}

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
      "unset");
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
  const LibpqVariables allow = {{"PGSSLMODE", "allow"}};
  EXPECT_EQ(
      decide("postgres://db/x", {.ssl_by_default = true, .libpq = allow}).mode,
      "allow");
  EXPECT_EQ(decide("postgres://db/x", {.ssl = true, .libpq = allow}).mode,
            "verify-full");
  EXPECT_EQ(decide("postgres://db/x", {.ssl = false, .libpq = allow}).mode,
            "disable");
  EXPECT_EQ(decide("postgres://db/x?sslmode=require", {.libpq = allow}).mode,
            "require");
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
  wishes.certificate_name = "DB_SSL_CERT_FILE";
  EXPECT_THAT(decide("postgres://db/x", wishes).decision.errors,
              ElementsAre(StartsWith("DB_SSL_CERT_FILE contradicts ")));
}

TEST_F(TlsMaterialSettings, ACaIsNotUsedWhereNothingIsToBeVerified) {
  const Decided decided = decide(
      "postgres://db/x", with_ca({.ssl = true, .reject_unauthorized = false}));
  EXPECT_THAT(decided.decision.errors, IsEmpty());
  EXPECT_EQ(decided.mode, "require");
  EXPECT_EQ(decided.roots, "unset");
  ASSERT_EQ(decided.decision.notices.size(), 1U);
  EXPECT_THAT(decided.decision.notices[0].text,
              HasSubstr("DB_SSL_CA is not used"));
}

TEST_F(TlsMaterialSettings, AMistakeIsToldOfTheVariableThatItCameBy) {
  TlsWishes wishes = with_client();
  wishes.material.key = ca_.issue({.common_name = "other"}).key;
  wishes.key_name = "DB_SSL_KEY_FILE";
  EXPECT_THAT(decide("postgres://db/x", wishes).decision.errors,
              ElementsAre(StartsWith("DB_SSL_KEY_FILE: does not match")));
}

// The files that the URL, a service file or libpq's variables name.
class TlsFiles : public TlsMaterialSettings {
 protected:
  TlsFiles() {
    test::write_file(path("ca.pem"), ca_.certificate());
    test::write_file(path("app.pem"), client_.certificate);
    test::write_file(path("app.key"), client_.key);
    std::filesystem::permissions(path("app.key"), std::filesystem::perms(0600));
  }
  std::string path(const std::string& name) const {
    return folder_.path() + "/" + name;
  }
  std::string url(const std::string& query) const {
    return "postgres://db/x?" + query;
  }
  std::string root() const { return "sslrootcert=" + path("ca.pem"); }
  std::string client() const {
    return "sslcert=" + path("app.pem") + "&sslkey=" + path("app.key");
  }
  static std::vector<std::string> texts(const Decided& decided) {
    std::vector<std::string> all;
    for (const Notice& notice : decided.decision.notices) {
      all.push_back(notice.text);
    }
    return all;
  }

  const test::TempDir folder_;
};

TEST_F(TlsFiles, ARootMeansThatTheServerIsVerified) {
  for (const bool production : {false, true}) {
    const Decided decided = decide(url(root()), {.ssl_by_default = production});
    EXPECT_EQ(decided.mode, "verify-full");
    EXPECT_EQ(decided.roots, path("ca.pem"));
    EXPECT_EQ(decided.decision.mode_source, "sslrootcert in DATABASE_URL");
    EXPECT_THAT(texts(decided), IsEmpty());
  }
  const Decided variable =
      decide(kUrl, {.libpq = {{"PGSSLROOTCERT", path("ca.pem")}}});
  EXPECT_EQ(variable.mode, "verify-full");
  EXPECT_EQ(variable.roots, "unset") << "libpq reads it itself";
  EXPECT_EQ(variable.decision.mode_source, "PGSSLROOTCERT");
}

TEST_F(TlsFiles, AClientCertificateMeansThatTlsIsWanted) {
  const Decided decided = decide(url(client()), {});
  EXPECT_EQ(decided.mode, "verify-full");
  EXPECT_EQ(decided.roots, system_roots_file());
  EXPECT_EQ(decided.decision.mode_source, "sslcert in DATABASE_URL");
  EXPECT_EQ(decide(url(client()), {.reject_unauthorized = false}).mode,
            "require");
}

TEST_F(TlsFiles, AModeThatIsGivenStays) {
  EXPECT_EQ(decide(url(root() + "&sslmode=require"), {}).mode, "require");
  EXPECT_THAT(texts(decide(url(root() + "&sslmode=require"), {})), IsEmpty())
      << "libpq verifies the chain";
  EXPECT_EQ(decide(url(root() + "&sslmode=verify-ca"), {}).mode, "verify-ca");
  EXPECT_EQ(decide(url(client() + "&sslmode=prefer"), {}).mode, "prefer");
}

TEST_F(TlsFiles, ARootContradictsAModeThatVerifiesNothing) {
  for (const char* mode : {"disable", "allow", "prefer"}) {
    const std::string both = url(root() + "&sslmode=" + mode);
    EXPECT_THAT(
        decide(both, {}).decision.errors,
        ElementsAre("sslrootcert contradicts sslmode=" + std::string(mode) +
                    " in DATABASE_URL, which verifies nothing; "
                    "expected verify-full there, or no sslrootcert"));
    EXPECT_EQ(decide(both, {.ssl = true}).mode, "verify-full");
  }
  const Decided over =
      decide(url(root()), {.libpq = {{"PGSSLMODE", "disable"}}});
  EXPECT_EQ(over.mode, "verify-full");
  EXPECT_THAT(texts(over),
              ElementsAre("sslrootcert in DATABASE_URL stands over "
                          "sslmode=disable in PGSSLMODE: sslmode=verify-full "
                          "is used"));
  const Decided under = decide(url("sslmode=disable"),
                               {.libpq = {{"PGSSLROOTCERT", path("ca.pem")}}});
  EXPECT_EQ(under.mode, "disable");
  EXPECT_THAT(texts(under),
              ElementsAre("sslmode=disable in DATABASE_URL verifies nothing, "
                          "whatever PGSSLROOTCERT has; sslmode=verify-full "
                          "verifies"));
}

TEST_F(TlsFiles, OneGivenEmptyInTheUrlIsNone) {
  const Decided decided =
      decide(url("sslmode=require&sslrootcert="),
             {.libpq = {{"PGSSLROOTCERT", path("none.pem")}}});
  EXPECT_THAT(decided.decision.errors, IsEmpty());
  EXPECT_THAT(texts(decided), ElementsAre(HasSubstr("not verified")));
}

TEST_F(TlsFiles, TlsThatIsTurnedOffContradictsThemInTheUrlOnly) {
  EXPECT_THAT(decide(url(client()), {.ssl = false}).decision.errors,
              ElementsAre("DB_SSL=false contradicts sslcert in DATABASE_URL; "
                          "expected none there, or no DB_SSL"));
  const Decided variable = decide(
      kUrl, {.ssl = false, .libpq = {{"PGSSLROOTCERT", path("ca.pem")}}});
  EXPECT_EQ(variable.mode, "disable");
  EXPECT_THAT(texts(variable), IsEmpty());
}

TEST_F(TlsFiles, TheWordSystemIsTheSystemsRootsAndTheWholeVerification) {
  for (const char* query :
       {"sslrootcert=system", "sslrootcert=system&sslmode=require",
        "sslrootcert=system&sslmode=verify-full"}) {
    const Decided decided = decide(url(query), {});
    EXPECT_EQ(decided.mode, "verify-full") << query;
    EXPECT_EQ(decided.roots, system_roots_file()) << query;
    EXPECT_THAT(texts(decided), IsEmpty());
  }
  const Decided variable =
      decide(url("sslmode=require"), {.libpq = {{"PGSSLROOTCERT", "system"}}});
  EXPECT_EQ(variable.mode, "verify-full");
  EXPECT_EQ(variable.roots, system_roots_file());
  EXPECT_EQ(variable.decision.mode_source, "PGSSLROOTCERT");
}

TEST_F(TlsFiles, ARootOfTheEnvironmentIsNotUsedWhereNothingIsToBeVerified) {
  const Decided decided =
      decide(kUrl, {.ssl = true,
                    .reject_unauthorized = false,
                    .libpq = {{"PGSSLROOTCERT", path("none.pem")}}});
  EXPECT_EQ(decided.mode, "require");
  EXPECT_EQ(decided.roots, "");
  EXPECT_THAT(texts(decided),
              ElementsAre(HasSubstr("(PGSSLROOTCERT is not used)")));
}

TEST_F(TlsFiles, OneThatIsNoGoodStopsTheStart) {
  test::write_file(path("text"), "no PEM");
  test::write_file(path("open.key"), client_.key);
  std::filesystem::permissions(path("open.key"), std::filesystem::perms(0644));
  const std::string other = ca_.issue({.common_name = "other"}).key;
  test::write_file(path("other.key"), other);
  test::write_file(path("locked.key"), test::encrypted_key(other, "some"));
  for (const char* name : {"other.key", "locked.key"}) {
    std::filesystem::permissions(path(name), std::filesystem::perms(0600));
  }
  const std::string app = "sslcert=" + path("app.pem") + "&sslkey=";
  struct BadFile {
    std::string query, start, words;
  };
  const BadFile files[] = {
      {"sslrootcert=" + path("none"), "sslrootcert=\"" + path("none"),
       "No such file or directory; expected a file that can be read"},
      {"sslrootcert=" + path("text"), "sslrootcert=", "holds no PEM"},
      {"sslrootcert=" + folder_.path(), "sslrootcert=", "is no file"},
      {"sslmode=require&sslrootcert=" + path("none"),
       "sslrootcert=", "No such file"},
      {"sslcert=" + path("none") + "&sslkey=" + path("app.key"),
       "sslcert=", "No such file"},
      {app + path("none"), "sslkey=", "No such file"},
      {app + path("open.key"), "sslkey=", "can be read by others"},
      {app + path("other.key"), "sslkey=", "does not match the certificate"},
      {app + path("locked.key"), "sslkey=", "is encrypted"},
  };
  for (const BadFile& each : files) {
    EXPECT_THAT(
        decide(url(each.query), {}).decision.errors,
        ElementsAre(testing::AllOf(StartsWith("DATABASE_URL: " + each.start),
                                   HasSubstr(each.words))))
        << each.query;
  }
  EXPECT_THAT(decide(url(app + path("locked.key") + "&sslpassword=some"), {})
                  .decision.errors,
              IsEmpty())
      << "libpq has what opens it";
  EXPECT_THAT(
      decide(url("sslmode=disable&" + app + path("none")), {}).decision.errors,
      IsEmpty())
      << "it is not used";
}

TEST_F(TlsFiles, AServiceFileCountsAsTheUrl) {
  const auto service = [&](const std::string& lines) {
    test::write_file(path("services"), "[orders]\nhost=db\ndbname=x\n" + lines);
  };
  const test::ScopedEnv env("PGSERVICEFILE", path("services").c_str());
  service("sslmode=verify-ca\n" + root() + "\n");
  const Decided decided = decide("service=orders", {});
  EXPECT_EQ(decided.mode, "verify-ca");
  EXPECT_EQ(decided.decision.mode_source, "the service file");
  EXPECT_THAT(decide("service=orders", {.ssl = false}).decision.errors,
              ElementsAre("DB_SSL=false contradicts sslmode=verify-ca in the "
                          "service file; expected disable there, or no "
                          "DB_SSL"));
  service("sslrootcert=" + path("none") + "\n");
  EXPECT_THAT(decide("service=orders", {}).decision.errors,
              ElementsAre(StartsWith("the service file: sslrootcert=\"")));
}

TEST(Tls, VerificationThatIsAskedForWithoutTlsIsWarnedOf) {
  const Decided decided = decide(kUrl, {.reject_unauthorized = true});
  EXPECT_EQ(decided.mode, "disable");
  EXPECT_EQ(decided.decision.mode_source, "profile");
  ASSERT_EQ(decided.decision.notices.size(), 1U);
  EXPECT_EQ(decided.decision.notices[0].level, LogLevel::kWarn);
  EXPECT_EQ(decided.decision.notices[0].text,
            "DB_SSL_REJECT_UNAUTHORIZED=true verifies nothing: TLS to the "
            "database is off; DB_SSL=true turns it on");
  EXPECT_THAT(decide(kUrl, {.reject_unauthorized = false}).decision.notices,
              IsEmpty());
  EXPECT_THAT(decide(kUrl, {.ssl = false, .reject_unauthorized = true})
                  .decision.notices,
              IsEmpty());
}

TEST(Tls, AVariableThatStandsOverTheUrlIsSaid) {
  const Decided decided =
      decide("postgres://db/x?sslmode=disable", {.ssl = true});
  EXPECT_EQ(decided.mode, "verify-full");
  ASSERT_EQ(decided.decision.notices.size(), 1U);
  EXPECT_EQ(decided.decision.notices[0].level, LogLevel::kWarn);
  EXPECT_THAT(decided.decision.notices[0].text,
              StartsWith("DB_SSL=true stands over sslmode=disable"));
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
