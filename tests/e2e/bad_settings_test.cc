// Every setting with garbage, out of range, contradictory: the program ends
// with exit code 2 and one line that names the setting, the value (a secret
// never) and what is accepted.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/net.h"

namespace dbpool::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kSomeUrl = "postgresql://planted:pl4nt%40S3cret@db/app";

struct Refused {
  std::optional<int> code;
  std::string output;
};

Refused run(ExporterOptions options) {
  Exporter exporter(std::move(options));
  const auto code = exporter.wait();
  return {code, exporter.output()};
}

void expect_one_line(const Refused& refused, const std::string& name) {
  EXPECT_EQ(refused.code, 2) << refused.output;
  const auto lines = lines_of(refused.output);
  ASSERT_THAT(lines, SizeIs(1)) << refused.output;
  EXPECT_THAT(lines[0], AllOf(HasSubstr(name), AnyOf(HasSubstr("expected"),
                                                     HasSubstr("accepted"),
                                                     HasSubstr("from 1 to"))));
}

struct BadValue {
  std::string name;
  std::vector<std::string> values;
};

std::vector<BadValue> bad_variables() {
  const std::vector<std::string> numbers = {
      "garbage", "-1", "1e3", "1.5", "10x", "0x10", "99999999999999999999"};
  std::vector<BadValue> all;
  for (const char* name :
       {"DB_POOL_MAX", "DB_POOL_MIN", "DB_IDLE_TIMEOUT_MS",
        "DB_CONNECTION_TIMEOUT_MS", "DB_MAX_USES", "DB_MAX_LIFETIME_MS",
        "DB_MAX_WAITING", "DB_STATEMENT_TIMEOUT_MS", "DB_LEAK_THRESHOLD_MS",
        "DB_DRAIN_TIMEOUT_MS"}) {
    all.push_back({name, numbers});
  }
  all.push_back({"DB_POOL_MAX", {"0", "10001"}});
  all.push_back({"DB_CONNECTION_TIMEOUT_MS", {"0"}});
  for (const char* name : {"DB_SSL", "DB_SSL_REJECT_UNAUTHORIZED",
                           "DB_LOG_QUERIES", "DB_LOG_CONNECTIONS"}) {
    all.push_back({name, {"maybe", "2", "tru"}});
  }
  return all;
}

TEST(BadSettingsTest, EveryVariableWithGarbageStopsTheStart) {
  for (const BadValue& bad : bad_variables()) {
    for (const std::string& value : bad.values) {
      SCOPED_TRACE(bad.name + "=" + value);
      const Refused refused =
          run({.database_url = kSomeUrl, .env = {{bad.name, value}}});
      expect_one_line(refused, bad.name);
      EXPECT_THAT(refused.output, HasSubstr(value));
    }
  }
}

TEST(BadSettingsTest, EveryFlagWithGarbageStopsTheStart) {
  for (const char* flag :
       {"--db.pool-max=x", "--probe.connect.interval=1x",
        "--probe.select_1.timeout=0", "--probe.server.interval=-1s",
        "--workload.rate=fast", "--workload.rate=-1", "--workload.clients=1.5",
        "--web.listen-address=nowhere", "--web.listen-address=:99999",
        "--web.telemetry-path=metrics", "--web.telemetry-path=/health",
        "--web.max-requests=0", "--log.level=loud", "--log.format=xml",
        "--profile=staging"}) {
    SCOPED_TRACE(flag);
    const std::string text = flag;
    expect_one_line(
        run({.database_url = kSomeUrl, .args = {text}, .listen = false}),
        text.substr(0, text.find('=')));
  }
}

TEST(BadSettingsTest, AWorkloadsFlagWithGarbageStopsTheStart) {
  for (const char* flag :
       {"--workload.hold=long", "--workload.max-in-flight=0"}) {
    SCOPED_TRACE(flag);
    const std::string text = flag;
    expect_one_line(
        run({.database_url = kSomeUrl, .args = {"--workload.rate=1", text}}),
        text.substr(0, text.find('=')));
  }
}

TEST(BadSettingsTest, ContradictionsStopTheStart) {
  const Refused floor =
      run({.database_url = kSomeUrl,
           .env = {{"DB_POOL_MAX", "3"}, {"DB_POOL_MIN", "4"}}});
  EXPECT_EQ(floor.code, 2);
  EXPECT_THAT(lines_of(floor.output), SizeIs(1));
  EXPECT_THAT(floor.output,
              AllOf(HasSubstr("DB_POOL_MIN"), HasSubstr("DB_POOL_MAX")));

  const Refused loops =
      run({.database_url = kSomeUrl,
           .args = {"--workload.clients=1", "--workload.rate=1"}});
  EXPECT_EQ(loops.code, 2);
  EXPECT_THAT(loops.output, HasSubstr("--workload.rate"));

  const Refused tls =
      run({.database_url = std::string(kSomeUrl) + "?sslmode=require",
           .env = {{"DB_SSL", "false"}}});
  EXPECT_EQ(tls.code, 2);
  EXPECT_THAT(tls.output, HasSubstr("DB_SSL"));
}

TEST(BadSettingsTest, AllMistakesAreToldAtOnce) {
  const Refused refused = run({.database_url = kSomeUrl,
                               .args = {"--log.level=loud"},
                               .env = {{"DB_POOL_MAX", "x"}}});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(lines_of(refused.output), SizeIs(2));
}

TEST(BadSettingsTest, AMalformedDatabaseUrlIsNamedButNeverShown) {
  for (const char* url :
       {"pl4nt-nonsense", "postgresql://u:pl4nt@[::1/db",
        "postgresql://u:S3cret@host:99999/db", "http://u:S3cret@host/db",
        "host=db port=pl4nt", "passwort=S3cret host=db",
        "host=db password='pl4nt", "postgresql://u:S3cret@h/db?nosuch=pl4nt",
        "postgresql://u:pl4nt%zz@h/db", "host=a,b port=1,2,3",
        "postgresql://u@h/db?password=a&pl4nt", "service=pl4nt",
        "host=h dbname=postgresql://u:pl4nt@h/db", "host=h user=u:pl4nt",
        "host=u:pl4nt@h user=u"}) {
    SCOPED_TRACE(url);
    expect_one_line(run({.database_url = url}), "DATABASE_URL");
  }
  expect_one_line(run({}), "DATABASE_URL");
}

TEST(BadSettingsTest, AVariableOfLibpqsWithASecretIsNamedButNeverShown) {
  for (const char* name : {"PGUSER", "PGDATABASE", "PGHOST"}) {
    expect_one_line(run({.database_url = "sslmode=disable",
                         .env = {{name, "postgresql://u:pl4nt@h/db"}}}),
                    name);
  }
  expect_one_line(
      run({.database_url = "host=h", .env = {{"PGSERVICE", "pl4nt"}}}),
      "PGSERVICE");
}

TEST(BadSettingsTest, ADatabaseGivenByAFlagIsOneMistake) {
  for (const char* flag : {"--database.url", "--database-url", "--db.dsn"}) {
    expect_one_line(run({.database_url = kSomeUrl, .args = {flag, kSomeUrl}}),
                    "DATABASE_URL_FILE");
  }
}

TEST(BadSettingsTest, TlsMaterialThatIsNoneIsRefusedAndNeverShown) {
  for (const char* name : {"DB_SSL_CA", "DB_SSL_CERT", "DB_SSL_KEY"}) {
    expect_one_line(
        run({.database_url = kSomeUrl, .env = {{name, "pl4ntS3cret"}}}), name);
  }
}

TEST(BadSettingsTest, AConnectionStringInTheWrongPlaceIsNotShown) {
  for (const char* argument :
       {kSomeUrl, "--database-url=postgresql://u:pl4nt@h/db",
        "--web.listen-address=postgresql://u:S3cret@h/db"}) {
    SCOPED_TRACE(argument);
    const Refused refused =
        run({.database_url = kSomeUrl, .args = {argument}, .listen = false});
    EXPECT_EQ(refused.code, 2);
  }
}

TEST(BadSettingsTest, AnUnknownVariableIsWarnedOfWithTheNearestName) {
  Exporter exporter({.database_url = planted_url(free_port()),
                     .env = {{"DB_POLL_MAX", "5"}}});
  EXPECT_TRUE(exporter.wait_for_log("level=warn.*DB_POLL_MAX.*DB_POOL_MAX"));
  EXPECT_EQ(exporter.get("/-/healthy").status, 200);
}

TEST(BadSettingsTest, AFlagStandsOverTheEnvironment) {
  Exporter exporter({.database_url = planted_url(free_port()),
                     .args = {"--db.pool-max=7"},
                     .env = {{"DB_POOL_MAX", "5"}}});
  EXPECT_EQ(exporter.page().value("dbpool_max_connections"), 7);
}

TEST(BadSettingsTest, TheProfileDecidesTheDefaults) {
  Exporter development({.database_url = planted_url(free_port())});
  EXPECT_EQ(development.page().value("dbpool_max_connections"), 10);
  EXPECT_EQ(development.page().value("dbpool_min_connections"), 2);
  Exporter production({.database_url = planted_url(free_port()),
                       .env = {{"NODE_ENV", "production"}}});
  EXPECT_EQ(production.page().value("dbpool_max_connections"), 20);
  EXPECT_EQ(production.page().value("dbpool_min_connections"), 5);
}

TEST(BadSettingsTest, VersionAndHelpNeedNoDatabase) {
  const Refused version = run({.args = {"--version"}, .listen = false});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.output,
              AllOf(HasSubstr("dbpool_exporter"), HasSubstr("g++")));
  for (const char* library :
       {"libpq", "OpenSSL", "civetweb", "libxcrypt", "zlib", "yaml-cpp",
        "spdlog", "fmt", "Asio", "CLI11", "nlohmann-json", "tl::expected"}) {
    EXPECT_THAT(version.output,
                ContainsRegex("  " + std::string(library) + " +[0-9]+[.]"));
  }
  const Refused help = run({.args = {"--help"}, .listen = false});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.output, HasSubstr("DB_POOL_MAX"));
}

TEST(BadSettingsTest, APortInUseIsOneLineAndExitCodeTwo) {
  const int port = free_port();
  const UniqueFd taken = listen_on(port);
  const Refused refused =
      run({.database_url = planted_url(free_port()),
           .args = {"--web.listen-address=127.0.0.1:" + std::to_string(port),
                    "--log.level=error"},
           .listen = false});
  EXPECT_EQ(refused.code, 2);
  const auto lines = lines_of(refused.output);
  ASSERT_THAT(lines, SizeIs(1)) << refused.output;
  EXPECT_THAT(lines[0], AllOf(HasSubstr("127.0.0.1:" + std::to_string(port)),
                              HasSubstr("in use")));
}

TEST(BadSettingsTest, AnAddressThatIsTakenIsToldBeforeAnythingIsOpened) {
  const int port = free_port();
  const UniqueFd taken = listen_on(port);
  const std::string address = "127.0.0.1:" + std::to_string(port);
  const Refused refused = run({.database_url = planted_url(free_port()),
                               .args = {"--web.listen-address=127.0.0.1:0",
                                        "--web.listen-address=" + address},
                               .listen = false});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.output, HasSubstr("msg=\"cannot listen on " + address +
                                        ": Address already in use\""));
  EXPECT_THAT(refused.output, Not(HasSubstr("pool started")));
  EXPECT_THAT(refused.output, Not(HasSubstr("database connection")));
}

}  // namespace
}  // namespace dbpool::test
