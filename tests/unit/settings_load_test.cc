// load_settings(): every variable and flag, defaults, precedence, mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "exporter/settings/definitions.h"
#include "exporter/settings/settings.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using Args = std::vector<std::string>;

const std::string kUrl = "postgres://app@db.example/orders";

Environment with_url(Environment environment = {}) {
  environment.emplace("DATABASE_URL", kUrl);
  return environment;
}

Settings load(const Environment& environment = {}, const Args& args = {}) {
  auto settings = load_settings(args, with_url(environment));
  if (settings) return *std::move(settings);
  ADD_FAILURE() << testing::PrintToString(settings.error().errors);
  return {};
}

// The lines of a start that must fail.
std::vector<std::string> mistakes(const Environment& environment,
                                  const Args& args = {}) {
  const auto settings = load_settings(args, with_url(environment));
  if (settings) {
    ADD_FAILURE() << "it was accepted";
    return {};
  }
  EXPECT_EQ(settings.error().code, 2);
  EXPECT_EQ(settings.error().output, "");
  for (const std::string& line : settings.error().errors) {
    EXPECT_THAT(line, Not(HasSubstr("\n")));
    EXPECT_THAT(line, testing::AnyOf(HasSubstr("expected"),
                                     HasSubstr("the nearest known")));
  }
  return settings.error().errors;
}

std::string effective(const Settings& settings, const std::string& name) {
  for (const EffectiveSetting& setting : settings.effective) {
    if (setting.name == name) return setting.value + " by " + setting.source;
  }
  return "missing";
}

std::vector<std::string> notices(const Settings& settings) {
  std::vector<std::string> texts;
  for (const Notice& notice : settings.notices) texts.push_back(notice.text);
  return texts;
}

TEST(Settings, DevelopmentDefaults) {
  const Settings s = load();
  EXPECT_EQ(s.profile, Profile::kDevelopment);
  EXPECT_FALSE(s.demo);
  EXPECT_EQ(s.pool.max_connections, 10U);
  EXPECT_EQ(s.pool.min_connections, 2U);
  EXPECT_EQ(s.pool.idle_timeout, seconds(10));
  EXPECT_EQ(s.pool.acquire_timeout, seconds(5));
  EXPECT_EQ(s.pool.max_uses, std::nullopt);
  EXPECT_EQ(s.pool.max_lifetime, std::nullopt);
  EXPECT_EQ(s.pool.max_waiting_requests, 10'000U);
  EXPECT_EQ(s.pool.statement_timeout, seconds(30));
  EXPECT_EQ(s.pool.leak_threshold, minutes(1));
  EXPECT_EQ(s.drain_timeout, seconds(30));
  EXPECT_TRUE(s.log_queries);
  EXPECT_FALSE(s.log_connections);
  EXPECT_EQ(s.database->get("sslmode"), "disable");
  EXPECT_EQ(s.probes.connect.interval, seconds(15));
  EXPECT_EQ(s.probes.select.interval, seconds(1));
  EXPECT_EQ(s.probes.server.interval, seconds(15));
  EXPECT_EQ(s.probes.select_sql, "SELECT 1");
  EXPECT_EQ(s.workload, std::nullopt);
  EXPECT_EQ(s.web.listen, (std::vector<ListenAddress>{{"", 10187}}));
  EXPECT_EQ(s.web.telemetry_path, "/metrics");
  EXPECT_EQ(s.web.max_requests, 40U);
  EXPECT_EQ(s.log.level, LogLevel::kInfo);
  EXPECT_EQ(s.log.format, LogFormat::kLogfmt);
  EXPECT_THAT(s.notices, IsEmpty());
}

TEST(Settings, ProductionDefaults) {
  const Settings s = load({{"NODE_ENV", "production"}});
  EXPECT_EQ(s.profile, Profile::kProduction);
  EXPECT_EQ(s.pool.max_connections, 20U);
  EXPECT_EQ(s.pool.min_connections, 5U);
  EXPECT_EQ(s.pool.idle_timeout, seconds(30));
  EXPECT_EQ(s.pool.acquire_timeout, seconds(5));
  EXPECT_EQ(s.pool.max_uses, 7500U);
  EXPECT_EQ(s.pool.max_lifetime, minutes(30));
  EXPECT_FALSE(s.log_queries);
  EXPECT_FALSE(s.log_connections);
  EXPECT_EQ(s.database->get("sslmode"), "verify-full");
}

TEST(Settings, TheProfileIsNodeEnvUnlessTheFlagSaysOtherwise) {
  EXPECT_EQ(load({{"NODE_ENV", "staging"}}).profile, Profile::kDevelopment);
  EXPECT_EQ(load({{"NODE_ENV", " production\n"}}).profile,
            Profile::kProduction);
  EXPECT_EQ(load({{"NODE_ENV", "production"}}, {"--profile=development"})
                .pool.max_connections,
            10U);
  EXPECT_EQ(load({}, {"--profile", "production"}).pool.max_connections, 20U);
  EXPECT_THAT(mistakes({}, {"--profile=prod"}),
              ElementsAre("--profile=\"prod\": expected one of production, "
                          "development"));
}

TEST(Settings, EveryVariableIsRead) {
  const Settings s = load({{"DB_POOL_MAX", "30"},
                           {"DB_POOL_MIN", "3"},
                           {"DB_IDLE_TIMEOUT_MS", "1001"},
                           {"DB_CONNECTION_TIMEOUT_MS", "7002"},
                           {"DB_MAX_USES", "12"},
                           {"DB_MAX_LIFETIME_MS", "1004"},
                           {"DB_MAX_WAITING", "0"},
                           {"DB_STATEMENT_TIMEOUT_MS", "1005"},
                           {"DB_LEAK_THRESHOLD_MS", "1006"},
                           {"DB_DRAIN_TIMEOUT_MS", "1007"},
                           {"DB_SSL", "yes"},
                           {"DB_SSL_REJECT_UNAUTHORIZED", "off"},
                           {"DB_LOG_QUERIES", "0"},
                           {"DB_LOG_CONNECTIONS", "on"}});
  EXPECT_EQ(s.pool.max_connections, 30U);
  EXPECT_EQ(s.pool.min_connections, 3U);
  EXPECT_EQ(s.pool.idle_timeout, milliseconds(1001));
  EXPECT_EQ(s.pool.acquire_timeout, milliseconds(7002));
  EXPECT_EQ(s.pool.open_timeout, milliseconds(7002));
  EXPECT_EQ(s.pool.max_uses, 12U);
  EXPECT_EQ(s.pool.max_lifetime, milliseconds(1004));
  EXPECT_EQ(s.pool.max_waiting_requests, 0U);
  EXPECT_EQ(s.pool.statement_timeout, milliseconds(1005));
  EXPECT_EQ(s.pool.leak_threshold, milliseconds(1006));
  EXPECT_EQ(s.drain_timeout, milliseconds(1007));
  EXPECT_EQ(s.database->get("sslmode"), "require");
  EXPECT_FALSE(s.log_queries);
  EXPECT_TRUE(s.log_connections);
}

TEST(Settings, EveryVariableHasAFlagThatStandsOverIt) {
  int seen = 0;
  for (const Definition& definition : definitions()) {
    if (definition.variable.empty()) continue;
    ++seen;
    std::string flag = "--db." + std::string(definition.variable.substr(3));
    for (char& c : flag) {
      c = c == '_'
              ? '-'
              : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    EXPECT_EQ(definition.flag, flag);
    const std::string good = definition.value == "BOOL" ? "true" : "77";
    const Settings s = load(
        {{std::string(definition.variable), "garbage"}, {"DB_POOL_MAX", "100"}},
        {flag + "=" + good});
    EXPECT_EQ(effective(s, std::string(definition.variable)),
              good + " by flag");
  }
  EXPECT_EQ(seen, 14);
}

TEST(Settings, EveryVariableRefusesGarbageInOneLineThatNamesIt) {
  for (const Definition& definition : definitions()) {
    if (definition.variable.empty()) continue;
    const std::string name(definition.variable);
    for (const std::string value :
         {"garbage", "-1", "1e3", "99999999999999999999", "5 5", "tru e",
          "\x1b[31m\n"}) {
      const auto lines = mistakes({{name, value}});
      ASSERT_EQ(lines.size(), 1U) << name << value;
      EXPECT_THAT(lines[0], StartsWith(name + "=\""));
      EXPECT_THAT(lines[0], Not(HasSubstr("\x1b")));
    }
  }
}

TEST(Settings, RangesOfVariables) {
  const auto line = [](const std::string& name, const std::string& value) {
    return mistakes({{name, value}}).at(0);
  };
  EXPECT_EQ(line("DB_POOL_MAX", "0"),
            "DB_POOL_MAX=\"0\": expected a whole number from 1 to 10000");
  EXPECT_EQ(line("DB_POOL_MAX", "10001"),
            "DB_POOL_MAX=\"10001\": expected a whole number from 1 to 10000");
  EXPECT_EQ(line("DB_POOL_MIN", "x"),
            "DB_POOL_MIN=\"x\": expected a whole number from 0 to 10000");
  EXPECT_EQ(line("DB_CONNECTION_TIMEOUT_MS", "0"),
            "DB_CONNECTION_TIMEOUT_MS=\"0\": expected a whole number of "
            "milliseconds from 1 to 3600000");
  EXPECT_EQ(line("DB_MAX_WAITING", "1000001"),
            "DB_MAX_WAITING=\"1000001\": expected a whole number from 0 to "
            "1000000");
  EXPECT_EQ(line("DB_IDLE_TIMEOUT_MS", "86400001"),
            "DB_IDLE_TIMEOUT_MS=\"86400001\": expected a whole number of "
            "milliseconds from 0 to 86400000, where 0 or unlimited means no "
            "limit");
  EXPECT_EQ(line("DB_SSL", "maybe"),
            "DB_SSL=\"maybe\": expected one of true, false, 1, 0, yes, no, "
            "on, off");
}

TEST(Settings, ZeroAndUnlimitedTurnLimitsOff) {
  for (const std::string word : {"0", "unlimited"}) {
    const Settings s = load({{"NODE_ENV", "production"},
                             {"DB_MAX_USES", word},
                             {"DB_MAX_LIFETIME_MS", word},
                             {"DB_IDLE_TIMEOUT_MS", word},
                             {"DB_STATEMENT_TIMEOUT_MS", word},
                             {"DB_LEAK_THRESHOLD_MS", word}});
    EXPECT_EQ(s.pool.max_uses, std::nullopt);
    EXPECT_EQ(s.pool.max_lifetime, std::nullopt);
    EXPECT_EQ(s.pool.idle_timeout, std::nullopt);
    EXPECT_EQ(s.pool.statement_timeout, std::nullopt);
    EXPECT_EQ(s.pool.leak_threshold, std::nullopt);
  }
  EXPECT_EQ(load({{"DB_DRAIN_TIMEOUT_MS", "0"}}).drain_timeout, Duration(0));
}

TEST(Settings, BlankVariablesCountAsUnsetAndBlanksAroundValuesGo) {
  const Settings s = load({{"DB_POOL_MAX", ""},
                           {"DB_POOL_MIN", " \n"},
                           {"DB_SSL_CA", ""},
                           {"DB_MAX_USES", " 5\r\n"},
                           {"DB_SSL", "\ttrue "}});
  EXPECT_EQ(s.pool.max_connections, 10U);
  EXPECT_EQ(s.pool.min_connections, 2U);
  EXPECT_EQ(s.pool.max_uses, 5U);
  EXPECT_EQ(s.database->get("sslmode"), "verify-full");
}

TEST(Settings, AllMistakesAreToldAtOnce) {
  EXPECT_THAT(mistakes({{"DB_POOL_MAX", "a"}, {"DB_SSL", "b"}},
                       {"--log.level=c", "--web.max-requests=0", "--nope"}),
              testing::UnorderedElementsAre(
                  StartsWith("DB_POOL_MAX=\"a\""), StartsWith("DB_SSL=\"b\""),
                  StartsWith("--log.level=\"c\""),
                  StartsWith("--web.max-requests=\"0\""),
                  StartsWith("unknown flag \"--nope\"")));
}

TEST(Settings, TheFloorMustNotBeAboveTheLimit) {
  EXPECT_THAT(
      mistakes({{"DB_POOL_MIN", "8"}, {"DB_POOL_MAX", "4"}}),
      ElementsAre("DB_POOL_MIN=8: above DB_POOL_MAX=4; expected a whole "
                  "number from 0 to 4"));
  EXPECT_THAT(mistakes({{"DB_POOL_MIN", "11"}}),
              ElementsAre("DB_POOL_MIN=11: above the default of DB_POOL_MAX="
                          "10; expected a whole number from 0 to 10"));
  EXPECT_THAT(mistakes({{"DB_POOL_MAX", "4"}}, {"--db.pool-min=8"}),
              ElementsAre(StartsWith("--db.pool-min=8: above DB_POOL_MAX=4")));
}

TEST(Settings, ADefaultFloorGivesWayToASmallLimit) {
  const Settings s = load({{"DB_POOL_MAX", "1"}, {"NODE_ENV", "production"}});
  EXPECT_EQ(s.pool.max_connections, 1U);
  EXPECT_EQ(s.pool.min_connections, 1U);
  EXPECT_EQ(effective(s, "DB_POOL_MIN"), "1 by derived");
}

TEST(Settings, ShortAcquiresDoNotShortenOpenings) {
  EXPECT_EQ(load({{"DB_CONNECTION_TIMEOUT_MS", "50"}}).pool.open_timeout,
            seconds(5));
}

TEST(Settings, ConnectionLoggingIsIgnoredInProductionAndSaidSoOnce) {
  const Settings s =
      load({{"NODE_ENV", "production"}, {"DB_LOG_CONNECTIONS", "true"}});
  EXPECT_FALSE(s.log_connections);
  EXPECT_THAT(notices(s),
              ElementsAre("DB_LOG_CONNECTIONS is ignored in production"));
  EXPECT_EQ(effective(s, "DB_LOG_CONNECTIONS"), "false by derived");
  EXPECT_THAT(notices(load({{"NODE_ENV", "production"},
                            {"DB_LOG_CONNECTIONS", "false"}})),
              IsEmpty());
}

TEST(Settings, UnknownVariablesAreWarnedOfWithTheNearestName) {
  const Settings s = load({{"DB_POOL_MAXX", "secretvalue"},
                           {"DB_PASSWORD", "secretvalue"},
                           {"DB_POLO_MIN", "1"},
                           {"db_pool_max", "1"},
                           {"DBPOOL", "1"}});
  EXPECT_THAT(notices(s),
              ElementsAre(StartsWith("unknown variable DB_PASSWORD is ignored"),
                          "unknown variable DB_POLO_MIN is ignored; the "
                          "nearest known one is DB_POOL_MIN",
                          "unknown variable DB_POOL_MAXX is ignored; the "
                          "nearest known one is DB_POOL_MAX"));
  EXPECT_THAT(notices(s), Each(Not(HasSubstr("secretvalue"))));
  for (const Notice& notice : s.notices) {
    EXPECT_EQ(notice.level, LogLevel::kWarn);
  }
}

TEST(Settings, ManyUnknownVariablesDoNotFloodTheLog) {
  Environment environment;
  for (int i = 0; i < 500; ++i) {
    environment["DB_X" + std::to_string(i) + std::string(300, 'y')] = "1";
  }
  const Settings s = load(environment);
  ASSERT_EQ(s.notices.size(), 21U);
  EXPECT_EQ(s.notices.back().text,
            "480 more unknown DB_* variables are ignored");
}

TEST(Settings, NearestCountsSwapsOfNeighboursAsOne) {
  EXPECT_EQ(nearest("ba", {"xx", "ab", "bxx"}), "ab");
  EXPECT_EQ(nearest("", {"abc", "a"}), "a");
}

TEST(Settings, TlsMaterialIsRefusedNotIgnored) {
  for (const std::string name : {"DB_SSL_CA", "DB_SSL_CERT", "DB_SSL_KEY"}) {
    const auto lines = mistakes({{name, "c2VjcmV0"}});
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines[0], StartsWith(name + ": not supported"));
    EXPECT_THAT(lines[0], Not(HasSubstr("c2VjcmV0")));
  }
}

TEST(Settings, TheDatabaseIsRequiredAndNeverEchoed) {
  const auto fail = [](const std::string& url) {
    const auto settings = load_settings({}, {{"DATABASE_URL", url}});
    EXPECT_FALSE(settings.has_value());
    if (settings) return std::string();
    EXPECT_EQ(settings.error().errors.size(), 1U);
    return settings.error().errors.at(0);
  };
  EXPECT_THAT(fail(""), StartsWith("DATABASE_URL: not set; expected a URI"));
  EXPECT_THAT(fail(" \n"), StartsWith("DATABASE_URL: not set"));
  for (const char* url :
       {"postgres://app:hunter2@db:notaport/x", "hunter2",
        "postgres://app:hunter2@[::1/x", "host=db password='hunter2",
        "postgres://app:hunter2@db/x?unknown=1", "mysql://app:hunter2@db/x",
        "postgres://app:hunter2@db/x?sslmode=hunter2"}) {
    const std::string line = fail(url);
    EXPECT_THAT(line, StartsWith("DATABASE_URL: ")) << url;
    EXPECT_THAT(line, Not(HasSubstr("hunter2"))) << url;
    EXPECT_THAT(line, Not(HasSubstr("\n"))) << url;
  }
}

TEST(Settings, TheDatabaseIsShownWithoutItsPassword) {
  const auto s = load_settings(
      {}, {{"DATABASE_URL", " postgres://app:hunter2@db.example/orders\n"}});
  ASSERT_TRUE(s.has_value());
  EXPECT_EQ(s->database->get("password"), "hunter2");
  EXPECT_EQ(effective(*s, "DATABASE_URL"),
            "postgresql://app@db.example:5432/orders by environment");
  for (const EffectiveSetting& setting : s->effective) {
    EXPECT_THAT(setting.value, Not(HasSubstr("hunter2")));
  }
}

TEST(Settings, TheApplicationNameIsOursUnlessNamed) {
  EXPECT_EQ(load().database->get("fallback_application_name"),
            "dbpool_exporter");
  const Settings s = load({{"DATABASE_URL", kUrl + "?application_name=mine"}});
  EXPECT_EQ(s.database->get("application_name"), "mine");
  EXPECT_EQ(s.database->get("fallback_application_name"), std::nullopt);
}

TEST(Settings, TheDemoNeedsNoDatabase) {
  const auto s = load_settings({"--demo"}, {});
  ASSERT_TRUE(s.has_value());
  EXPECT_TRUE(s->demo);
  EXPECT_EQ(s->database, std::nullopt);
  EXPECT_THAT(s->notices, IsEmpty());
  const Settings other = load({}, {"--demo"});
  EXPECT_EQ(other.database, std::nullopt);
  EXPECT_THAT(notices(other), ElementsAre(HasSubstr("DATABASE_URL")));
  EXPECT_THAT(mistakes({}, {"--demo", "--workload.rate=5"}),
              ElementsAre(StartsWith("--workload.rate: --demo has")));
}

TEST(Flags, ProbesHaveIntervalsTimeoutsAndSql) {
  const Settings s =
      load({}, {"--probe.connect.interval=30s", "--probe.connect.timeout=1s",
                "--probe.select.interval=500ms", "--probe.select.timeout", "2s",
                "--probe.select.sql", "SELECT 2", "--probe.server.interval=0",
                "--probe.server.timeout=3s"});
  EXPECT_EQ(s.probes.connect.interval, seconds(30));
  EXPECT_EQ(s.probes.connect.timeout, seconds(1));
  EXPECT_EQ(s.probes.select.interval, milliseconds(500));
  EXPECT_EQ(s.probes.select.timeout, seconds(2));
  EXPECT_EQ(s.probes.select_sql, "SELECT 2");
  EXPECT_EQ(s.probes.server.interval, std::nullopt) << "off";
  EXPECT_EQ(s.probes.server.timeout, seconds(3));
  for (const char* flag :
       {"--probe.connect.interval=15", "--probe.select.interval=10ms",
        "--probe.server.interval=25h", "--probe.connect.timeout=0",
        "--probe.select.timeout=6m", "--probe.server.timeout=x"}) {
    EXPECT_EQ(mistakes({}, {flag}).size(), 1U) << flag;
  }
}

TEST(Flags, WebSettings) {
  const Settings s =
      load({}, {"--web.listen-address=127.0.0.1:1", "--web.listen-address",
                ":2", "--web.telemetry-path=/a/b", "--web.max-requests=7"});
  EXPECT_EQ(s.web.listen,
            (std::vector<ListenAddress>{{"127.0.0.1", 1}, {"", 2}}))
      << "the default goes when one is given";
  EXPECT_EQ(s.web.telemetry_path, "/a/b");
  EXPECT_EQ(s.web.max_requests, 7U);
  for (const char* flag :
       {"--web.listen-address=10187", "--web.listen-address=:99999",
        "--web.telemetry-path=metrics", "--web.telemetry-path=/",
        "--web.telemetry-path=/health", "--web.telemetry-path=/a b",
        "--web.telemetry-path=/a?b", "--web.telemetry-path=/\"><script>",
        "--web.max-requests=0", "--web.max-requests=1001"}) {
    EXPECT_EQ(mistakes({}, {flag}).size(), 1U) << flag;
  }
  EXPECT_THAT(
      mistakes({}, {"--web.listen-address=:1", "--web.listen-address=:1"}),
      ElementsAre("--web.listen-address=\":1\": given twice; expected it "
                  "once"));
}

TEST(Flags, LogSettings) {
  EXPECT_EQ(load({}, {"--log.level=debug"}).log.level, LogLevel::kDebug);
  EXPECT_EQ(load({}, {"--log.level=warn"}).log.level, LogLevel::kWarn);
  EXPECT_EQ(load({}, {"--log.level=error"}).log.level, LogLevel::kError);
  EXPECT_EQ(load({}, {"--log.format=json"}).log.format, LogFormat::kJson);
  EXPECT_THAT(mistakes({}, {"--log.level=INFO"}),
              ElementsAre("--log.level=\"INFO\": expected one of debug, info, "
                          "warn, error"));
  EXPECT_THAT(mistakes({}, {"--log.format=xml"}),
              ElementsAre("--log.format=\"xml\": expected one of logfmt, "
                          "json"));
}

TEST(Flags, ClosedLoopWorkload) {
  const Settings s =
      load({}, {"--workload.clients=50", "--workload.think=10ms",
                "--workload.hold=1s", "--workload.sql=one=SELECT 1",
                "--workload.sql", "SELECT a=2"});
  ASSERT_TRUE(s.workload.has_value());
  EXPECT_EQ(s.workload->clients, 50U);
  EXPECT_EQ(s.workload->rate, 0);
  EXPECT_EQ(s.workload->think, milliseconds(10));
  EXPECT_EQ(s.workload->hold, seconds(1));
  ASSERT_EQ(s.workload->statements.size(), 2U);
  EXPECT_EQ(s.workload->statements[0].name, "one");
  EXPECT_EQ(s.workload->statements[0].sql, "SELECT 1");
  EXPECT_EQ(s.workload->statements[1].sql, "SELECT a=2");
}

TEST(Flags, OpenLoopWorkload) {
  const Settings s =
      load({}, {"--workload.rate=2.5", "--workload.max-in-flight=7"});
  ASSERT_TRUE(s.workload.has_value());
  EXPECT_EQ(s.workload->rate, 2.5);
  EXPECT_EQ(s.workload->clients, 0U);
  EXPECT_EQ(s.workload->max_in_flight, 7U);
  ASSERT_EQ(s.workload->statements.size(), 1U);
  EXPECT_EQ(s.workload->statements[0].sql, "SELECT 1");
}

TEST(Flags, WorkloadContradictionsStopTheStart) {
  const auto line = [](const Args& args) { return mistakes({}, args).at(0); };
  EXPECT_THAT(line({"--workload.clients=1", "--workload.rate=1"}),
              StartsWith("--workload.clients contradicts --workload.rate"));
  EXPECT_THAT(line({"--workload.rate=1", "--workload.think=1s"}),
              StartsWith("--workload.think: belongs to --workload.clients"));
  EXPECT_THAT(line({"--workload.clients=1", "--workload.max-in-flight=1"}),
              StartsWith("--workload.max-in-flight: belongs to"));
  EXPECT_THAT(line({"--workload.sql=SELECT 1"}),
              StartsWith("--workload.sql: needs a workload"));
  EXPECT_THAT(line({"--workload.hold=1s"}),
              StartsWith("--workload.hold: needs a workload"));
}

TEST(Flags, WorkloadGarbageIsRefused) {
  for (const char* flag : {"--workload.clients=0", "--workload.clients=100001",
                           "--workload.clients=-1", "--workload.rate=0",
                           "--workload.rate=1e3", "--workload.rate=1000001"}) {
    EXPECT_GE(mistakes({}, {flag}).size(), 1U) << flag;
  }
  const auto twice =
      load_settings({"--workload.rate=1", "--workload.sql=a=SELECT 1",
                     "--workload.sql=a=SELECT 2"},
                    with_url());
  ASSERT_FALSE(twice.has_value());
  EXPECT_THAT(twice.error().errors,
              ElementsAre(StartsWith("--workload.sql: ")));
}

TEST(Flags, GivenTwiceEmptyOrWithoutValueIsAMistake) {
  EXPECT_THAT(mistakes({}, {"--db.pool-max=5", "--db.pool-max=6"}),
              ElementsAre("--db.pool-max: given 2 times; expected it once"));
  EXPECT_THAT(mistakes({}, {"--profile=production", "--profile=production"}),
              ElementsAre("--profile: given 2 times; expected it once"));
  for (const Args& args :
       {Args{"--db.pool-max="}, Args{"--db.pool-max", ""},
        Args{"--db.pool-max", " "}, Args{"--workload.sql= "}}) {
    const auto lines = load_settings(args, with_url());
    EXPECT_FALSE(lines.has_value()) << args[0];
  }
  const auto missing = load_settings({"--db.pool-max"}, with_url());
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().errors, ElementsAre(HasSubstr("--db.pool-max")));
}

TEST(Flags, UnknownFlagsAndArgumentsAreRefusedWithoutTheirValues) {
  const auto line = [](const Args& args) {
    const auto lines = mistakes({}, args);
    EXPECT_THAT(lines, Each(Not(HasSubstr("hunter2"))));
    return lines.at(0);
  };
  EXPECT_EQ(line({"--web.listen-adress=hunter2"}),
            "unknown flag \"--web.listen-adress\"; the nearest known one is "
            "--web.listen-address");
  EXPECT_THAT(line({"--database-url=postgres://app:hunter2@db/x"}),
              StartsWith("unknown flag \"--database-url\""));
  EXPECT_THAT(line({"postgres://app:hunter2@db/x"}),
              StartsWith("an argument was given that is no flag"));
  EXPECT_THAT(line({"--database-url", "postgres://app:hunter2@db/x"}),
              StartsWith("unknown flag"));
  EXPECT_THAT(line({"-phunter2=1"}), StartsWith("an argument was given"));
  EXPECT_THAT(line({"--web.listen=:1"}), StartsWith("unknown flag"))
      << "no abbreviations";
}

TEST(Flags, PasswordsAreNotTakenByFlags) {
  for (const Definition& definition : definitions()) {
    EXPECT_NE(definition.variable, "DATABASE_URL");
    EXPECT_THAT(std::string(definition.variable), Not(HasSubstr("KEY")));
  }
  EXPECT_EQ(mistakes({}, {"--db.ssl-key=x"}).size(), 1U);
}

TEST(Flags, SwitchesTakeNoSecondMeaning) {
  for (const char* flag : {"--demo=maybe", "--version=x", "--help=x"}) {
    EXPECT_FALSE(load_settings({flag}, with_url()).has_value()) << flag;
  }
}

TEST(Flags, HelpListsEveryFlagVariableAndDefault) {
  const auto exit = load_settings({"--help", "--nonsense"}, {});
  ASSERT_FALSE(exit.has_value());
  EXPECT_EQ(exit.error().code, 0);
  EXPECT_THAT(exit.error().errors, IsEmpty());
  const std::string& page = exit.error().output;
  for (const Definition& definition : definitions()) {
    EXPECT_THAT(page, HasSubstr(std::string(definition.flag) + "="));
    EXPECT_THAT(page, HasSubstr(std::string(definition.variable)));
  }
  for (const char* text : {"--help", "--version", "--demo", "--profile=",
                           "DATABASE_URL", "[production 20, development 10]"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
}

TEST(Flags, VersionTellsVersionRevisionLibpqAndCompiler) {
  const auto exit = load_settings({"--version"}, {});
  ASSERT_FALSE(exit.has_value());
  EXPECT_EQ(exit.error().code, 0);
  EXPECT_THAT(
      exit.error().output,
      testing::MatchesRegex("dbpool_exporter [0-9.]+\n  revision [0-9a-z]+\n"
                            "  libpq    [0-9.]+\n  compiler .+\n"));
}

TEST(Environment, IsCopiedWithTheFirstOfEachName) {
  const char* entries[] = {"A=1", "B=", "C=x=y", "A=2", "NOVALUE", nullptr};
  EXPECT_EQ(copy_environment(entries),
            (Environment{{"A", "1"}, {"B", ""}, {"C", "x=y"}}));
  EXPECT_THAT(copy_environment(nullptr), IsEmpty());
}

}  // namespace
}  // namespace dbpool::exporter
