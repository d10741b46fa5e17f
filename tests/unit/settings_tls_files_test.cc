// decide_tls(): sslrootcert, sslcert and sslkey, as the URL, a service file or
// libpq's variables name them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/scoped_env.h"
#include "tests/support/temp_dir.h"
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

class TlsFiles : public testing::Test {
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

  const test::CertificateAuthority ca_{"Test CA"};
  const test::KeyPair client_ = ca_.issue({.common_name = "app"});
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
      decide(kDatabase, {.libpq = {{"PGSSLROOTCERT", path("ca.pem")}}});
  EXPECT_EQ(variable.mode, "verify-full");
  EXPECT_EQ(variable.roots, path("ca.pem"));
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

TEST_F(TlsFiles, ThoseOfTheUrlStandOverPgSslMode) {
  for (const char* mode : {"allow", "require", "verify-ca"}) {
    for (const std::string& query : {root(), client()}) {
      EXPECT_EQ(decide(url(query), {.libpq = {{"PGSSLMODE", mode}}}).mode,
                "verify-full")
          << mode << " and " << query;
    }
    EXPECT_EQ(decide(kDatabase, {.libpq = {{"PGSSLROOTCERT", path("ca.pem")},
                                           {"PGSSLMODE", mode}}})
                  .mode,
              mode);
  }
  const Decided both = decide(
      url(client()),
      {.libpq = {{"PGSSLROOTCERT", path("ca.pem")}, {"PGSSLMODE", "disable"}}});
  EXPECT_EQ(both.mode, "verify-full");
  EXPECT_EQ(both.decision.mode_source, "sslcert in DATABASE_URL");
}

TEST_F(TlsFiles, OneGivenEmptyInTheUrlIsNotGiven) {
  const Decided decided =
      decide(url("sslmode=require&sslrootcert="),
             {.libpq = {{"PGSSLROOTCERT", path("ca.pem")}}});
  EXPECT_EQ(decided.roots, path("ca.pem")) << "so libpq has it";
  EXPECT_THAT(texts(decided), IsEmpty());
}

TEST_F(TlsFiles, TlsThatIsTurnedOffContradictsThemInTheUrlOnly) {
  EXPECT_THAT(decide(url(client()), {.ssl = false}).decision.errors,
              ElementsAre("DB_SSL=false contradicts sslcert in DATABASE_URL; "
                          "expected none there, or no DB_SSL"));
  const Decided variable = decide(
      kDatabase, {.ssl = false, .libpq = {{"PGSSLROOTCERT", path("ca.pem")}}});
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
      decide(kDatabase, {.ssl = true,
                         .reject_unauthorized = false,
                         .libpq = {{"PGSSLROOTCERT", path("none.pem")}}});
  EXPECT_EQ(decided.mode, "require");
  EXPECT_EQ(decided.roots, kNoTlsFile);
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
  struct Case {
    std::string query, start, words;
  };
  const Case cases[] = {
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
  for (const Case& each : cases) {
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

TEST_F(TlsFiles, ACertificateAndItsKeyComeTogether) {
  const std::string certificate = path("app.pem");
  const std::string key = path("app.key");
  const auto errors = [&](const std::string& query, LibpqVariables variables) {
    return decide(url(query), {.ssl = true, .libpq = std::move(variables)})
        .decision.errors;
  };
  EXPECT_THAT(errors("sslcert=" + certificate, {}),
              ElementsAre("DATABASE_URL: sslcert: is given without its key; "
                          "expected sslkey or PGSSLKEY too, or neither"));
  EXPECT_THAT(errors("sslkey=" + key, {}),
              ElementsAre("DATABASE_URL: sslkey: is given without its "
                          "certificate; expected sslcert or PGSSLCERT too, or "
                          "neither"));
  EXPECT_THAT(errors("", {{"PGSSLCERT", certificate}}),
              ElementsAre(StartsWith("PGSSLCERT: is given without its key")));
  EXPECT_THAT(errors("sslcert=" + certificate, {{"PGSSLKEY", key}}), IsEmpty());
  TlsWishes own{.ssl = true, .libpq = {{"PGSSLCERT", certificate}}};
  own.material.certificate = client_.certificate;
  own.material.key = client_.key;
  EXPECT_THAT(decide(kDatabase, own).decision.errors, IsEmpty());
  EXPECT_THAT(
      decide(kDatabase, {.ssl = false, .libpq = {{"PGSSLCERT", certificate}}})
          .decision.errors,
      IsEmpty());
}

TEST_F(TlsFiles, AMistakeNamesTheVariablesThatNameTheFiles) {
  test::write_file(path("other.key"), ca_.issue({.common_name = "other"}).key);
  std::filesystem::permissions(path("other.key"), std::filesystem::perms(0600));
  EXPECT_THAT(
      decide(kDatabase, {.libpq = {{"PGSSLCERT", path("app.pem")},
                                   {"PGSSLKEY", path("other.key")}}})
          .decision.errors,
      ElementsAre(testing::AllOf(
          StartsWith("PGSSLKEY=\""),
          HasSubstr("does not match the certificate of PGSSLCERT; expected"))));
}

TEST_F(TlsFiles, AServiceOfTheEnvironmentCountsAsOneOfTheUrl) {
  test::write_file(path("services"),
                   "[full]\nhost=db\nsslmode=verify-full\n[weak]\nhost=db\n"
                   "sslmode=prefer\nsslrootcert=" +
                       path("ca.pem") + "\n[plain]\nhost=db\n");
  const test::ScopedEnv file("PGSERVICEFILE", path("services").c_str());
  for (const char* variable : {"", "verify-full", "allow"}) {
    const test::ScopedEnv service("PGSERVICE", "full");
    const test::ScopedEnv mode("PGSSLMODE", variable);
    TlsWishes wishes;
    if (*variable != 0) wishes.libpq = {{"PGSSLMODE", variable}};
    const Decided decided = decide("postgresql://", wishes);
    EXPECT_EQ(decided.mode, "verify-full");
    EXPECT_EQ(decided.decision.mode_source, "the service file");
    wishes.ssl = false;
    EXPECT_THAT(decide("postgresql://", wishes).decision.errors,
                ElementsAre(HasSubstr("DB_SSL=false contradicts "
                                      "sslmode=verify-full in the service "
                                      "file")))
        << variable;
  }
  EXPECT_THAT(decide("service=weak", {}).decision.errors,
              ElementsAre(StartsWith("sslrootcert contradicts sslmode=prefer "
                                     "in the service file")));
  const Decided over = decide("service=weak sslrootcert=" + path("ca.pem"), {});
  EXPECT_EQ(over.mode, "verify-full") << "the URL stands over it";
  EXPECT_THAT(texts(over), ElementsAre(HasSubstr("stands over sslmode=prefer "
                                                 "in the service file")));
  const Decided plain = decide("service=plain", {.ssl_by_default = true});
  EXPECT_EQ(plain.mode, "verify-full");
  EXPECT_EQ(plain.decision.mode_source, "profile");
}

TEST_F(TlsFiles, AnEarlierVariableOfLibpqsIsNamed) {
  const test::ScopedEnv env("PGREQUIRESSL", "1");
  const Decided decided = decide(kDatabase, {});
  EXPECT_EQ(decided.mode, "require");
  EXPECT_EQ(decided.decision.mode_source, "PGREQUIRESSL");
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

}  // namespace
}  // namespace dbpool::exporter
