// load_settings(): variables, defaults, precedence, mistakes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "exporter/settings/definitions.h"
#include "exporter/settings/nearest.h"
#include "exporter/settings/settings.h"
#include "tests/unit/settings_fixture.h"

namespace dbpool::exporter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

TEST(Settings, DevelopmentDefaults) {
  const Settings s = load();
  EXPECT_EQ(s.profile, Profile::kDevelopment);
  EXPECT_FALSE(s.demo);
  EXPECT_EQ(s.pools.at(0).options.max_connections, 10U);
  EXPECT_EQ(s.pools.at(0).options.min_connections, 2U);
  EXPECT_EQ(s.pools.at(0).options.idle_timeout, seconds(10));
  EXPECT_EQ(s.pools.at(0).options.acquire_timeout, seconds(5));
  EXPECT_EQ(s.pools.at(0).options.max_uses, std::nullopt);
  EXPECT_EQ(s.pools.at(0).options.max_lifetime, std::nullopt);
  EXPECT_EQ(s.pools.at(0).options.max_waiting_requests, 10'000U);
  EXPECT_EQ(s.pools.at(0).options.statement_timeout, seconds(30));
  EXPECT_EQ(s.pools.at(0).options.leak_threshold, minutes(1));
  EXPECT_EQ(s.pools.at(0).drain_timeout, seconds(30));
  EXPECT_TRUE(s.pools.at(0).log_queries);
  EXPECT_FALSE(s.pools.at(0).log_connections);
  EXPECT_EQ(s.pools.at(0).database->get("sslmode"), "disable");
  EXPECT_EQ(s.pools.at(0).probes.connect.interval, seconds(15));
  EXPECT_EQ(s.pools.at(0).probes.select.interval, seconds(1));
  EXPECT_EQ(s.pools.at(0).probes.server.interval, seconds(15));
  EXPECT_EQ(s.pools.at(0).probes.select_sql, "SELECT 1");
  EXPECT_EQ(s.pools.at(0).workload, std::nullopt);
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
  EXPECT_EQ(s.pools.at(0).options.max_connections, 20U);
  EXPECT_EQ(s.pools.at(0).options.min_connections, 5U);
  EXPECT_EQ(s.pools.at(0).options.idle_timeout, seconds(30));
  EXPECT_EQ(s.pools.at(0).options.acquire_timeout, seconds(5));
  EXPECT_EQ(s.pools.at(0).options.max_uses, 7500U);
  EXPECT_EQ(s.pools.at(0).options.max_lifetime, minutes(30));
  EXPECT_FALSE(s.pools.at(0).log_queries);
  EXPECT_FALSE(s.pools.at(0).log_connections);
  EXPECT_EQ(s.pools.at(0).database->get("sslmode"), "verify-full");
}

TEST(Settings, TheProfileIsNodeEnvUnlessTheFlagSaysOtherwise) {
  EXPECT_EQ(load({{"NODE_ENV", "staging"}}).profile, Profile::kDevelopment);
  EXPECT_EQ(load({{"NODE_ENV", " production\n"}}).profile,
            Profile::kProduction);
  EXPECT_EQ(load({{"NODE_ENV", "production"}}, {"--profile=development"})
                .pools.at(0)
                .options.max_connections,
            10U);
  EXPECT_EQ(
      load({}, {"--profile", "production"}).pools.at(0).options.max_connections,
      20U);
  EXPECT_THAT(mistakes({}, {"--profile=prod"}),
              ElementsAre("--profile=\"prod\": expected one of production, "
                          "development"));
}

TEST(Settings, AnUnknownNodeEnvIsWarnedOfOnce) {
  EXPECT_THAT(notices(load({{"NODE_ENV", "prod"}})),
              ElementsAre("NODE_ENV=\"prod\" is no profile, and counts as "
                          "development; expected production or development "
                          "(the nearest is production)"));
  EXPECT_THAT(notices(load({{"NODE_ENV", "Production"}})),
              ElementsAre(HasSubstr("nearest is production")));
  EXPECT_THAT(notices(load({{"NODE_ENV", "dev"}})),
              ElementsAre(HasSubstr("nearest is development")));
  EXPECT_THAT(notices(load({{"NODE_ENV", "staging"}})),
              ElementsAre(Not(HasSubstr("nearest"))));
  for (const char* known : {"production", "development", ""}) {
    EXPECT_THAT(notices(load({{"NODE_ENV", known}})), IsEmpty());
  }
  EXPECT_THAT(notices(load({{"NODE_ENV", "prod"}}, {"--profile=production"})),
              IsEmpty());
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
  EXPECT_EQ(s.pools.at(0).options.max_connections, 30U);
  EXPECT_EQ(s.pools.at(0).options.min_connections, 3U);
  EXPECT_EQ(s.pools.at(0).options.idle_timeout, milliseconds(1001));
  EXPECT_EQ(s.pools.at(0).options.acquire_timeout, milliseconds(7002));
  EXPECT_EQ(s.pools.at(0).options.open_timeout, milliseconds(7002));
  EXPECT_EQ(s.pools.at(0).options.max_uses, 12U);
  EXPECT_EQ(s.pools.at(0).options.max_lifetime, milliseconds(1004));
  EXPECT_EQ(s.pools.at(0).options.max_waiting_requests, 0U);
  EXPECT_EQ(s.pools.at(0).options.statement_timeout, milliseconds(1005));
  EXPECT_EQ(s.pools.at(0).options.leak_threshold, milliseconds(1006));
  EXPECT_EQ(s.pools.at(0).drain_timeout, milliseconds(1007));
  EXPECT_EQ(s.pools.at(0).database->get("sslmode"), "require");
  EXPECT_FALSE(s.pools.at(0).log_queries);
  EXPECT_TRUE(s.pools.at(0).log_connections);
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
  EXPECT_EQ(seen, 15);
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
    EXPECT_EQ(s.pools.at(0).options.max_uses, std::nullopt);
    EXPECT_EQ(s.pools.at(0).options.max_lifetime, std::nullopt);
    EXPECT_EQ(s.pools.at(0).options.idle_timeout, std::nullopt);
    EXPECT_EQ(s.pools.at(0).options.statement_timeout, std::nullopt);
    EXPECT_EQ(s.pools.at(0).options.leak_threshold, std::nullopt);
  }
  EXPECT_EQ(load({{"DB_DRAIN_TIMEOUT_MS", "0"}}).pools.at(0).drain_timeout,
            Duration(0));
}

TEST(Settings, BlankVariablesCountAsUnsetAndBlanksAroundValuesGo) {
  const Settings s = load({{"DB_POOL_MAX", ""},
                           {"DB_POOL_MIN", " \n"},
                           {"DB_SSL_CA", ""},
                           {"DB_MAX_USES", " 5\r\n"},
                           {"DB_SSL", "\ttrue "}});
  EXPECT_EQ(s.pools.at(0).options.max_connections, 10U);
  EXPECT_EQ(s.pools.at(0).options.min_connections, 2U);
  EXPECT_EQ(s.pools.at(0).options.max_uses, 5U);
  EXPECT_EQ(s.pools.at(0).database->get("sslmode"), "verify-full");
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
  EXPECT_EQ(s.pools.at(0).options.max_connections, 1U);
  EXPECT_EQ(s.pools.at(0).options.min_connections, 1U);
  EXPECT_EQ(effective(s, "DB_POOL_MIN"), "1 by derived");
}

TEST(Settings, ShortAcquiresDoNotShortenOpenings) {
  EXPECT_EQ(load({{"DB_CONNECTION_TIMEOUT_MS", "50"}})
                .pools.at(0)
                .options.open_timeout,
            seconds(5));
}

TEST(Settings, ConnectionLoggingIsIgnoredInProductionAndSaidSoOnce) {
  const Settings s =
      load({{"NODE_ENV", "production"}, {"DB_LOG_CONNECTIONS", "true"}});
  EXPECT_FALSE(s.pools.at(0).log_connections);
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

TEST(Settings, WhatOtherProgramsCallItGetsAdviceInsteadOfAName) {
  for (const char* name :
       {"DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"}) {
    EXPECT_THAT(notices(load({{name, "secretvalue"}})),
                ElementsAre(AllOf(
                    StartsWith("unknown variable " + std::string(name)),
                    HasSubstr("DATABASE_URL"), Not(HasSubstr("nearest")))));
  }
  EXPECT_THAT(notices(load({{"DB_POOL_SIZE", "5"}})),
              ElementsAre("unknown variable DB_POOL_SIZE is ignored; the limit "
                          "is DB_POOL_MAX"));
  const std::pair<const char*, const char*> others[] = {
      {"DB_POOL_IDLE_TIMEOUT", "DB_IDLE_TIMEOUT_MS"},
      {"DB_IDLE_TIMEOUT", "DB_IDLE_TIMEOUT_MS"},
      {"DB_POOL_TIMEOUT", "DB_CONNECTION_TIMEOUT_MS"},
      {"DB_CONNECT_TIMEOUT", "DB_CONNECTION_TIMEOUT_MS"},
      {"DB_MIN_CONNECTIONS", "DB_POOL_MIN"},
      {"DB_MAX_CONNECTIONS", "DB_POOL_MAX"},
      {"DB_POOL_MAX_LIFETIME", "DB_MAX_LIFETIME_MS"},
      {"DB_QUERY_TIMEOUT", "DB_STATEMENT_TIMEOUT_MS"},
      {"DB_SSL_ROOT_CERT", "DB_SSL_CA"}};
  for (const auto& [name, meant] : others) {
    EXPECT_THAT(notices(load({{name, "5"}})), ElementsAre(HasSubstr(meant)))
        << name;
  }
  EXPECT_THAT(notices(load({{"DB_SOMETHING_ELSE", "5"}})),
              ElementsAre("unknown variable DB_SOMETHING_ELSE is ignored; "
                          "--help lists those that are known"));
}

TEST(Settings, NearestCountsSwapsOfNeighboursAsOne) {
  EXPECT_EQ(nearest("ba", {"xx", "ab", "bxx"}), "ab");
  EXPECT_EQ(nearest("", {"abc", "a"}), "a");
}

TEST(Settings, WhatIsFarIsNotNearest) {
  EXPECT_EQ(nearest("DB_HOST", {"DB_SSL", "DB_SSL_CA"}), std::nullopt);
  EXPECT_EQ(nearest("", {}), std::nullopt);
  EXPECT_EQ(nearest("DB_POLL_MIN", {"DB_POOL_MAX", "DB_POOL_MIN"}),
            "DB_POOL_MIN");
}

TEST(Settings, TlsMaterialThatIsNoneIsRefusedAndNeverShown) {
  for (const std::string name : {"DB_SSL_CA", "DB_SSL_CERT", "DB_SSL_KEY"}) {
    const auto lines = mistakes({{name, "c2VjcmV0"}});
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines[0], StartsWith(name + ": "));
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
  EXPECT_EQ(s->pools.at(0).database->get("password"), "hunter2");
  EXPECT_EQ(effective(*s, "DATABASE_URL"),
            "postgresql://app@db.example:5432/orders by environment");
  for (const EffectiveSetting& setting : s->effective) {
    EXPECT_THAT(setting.value, Not(HasSubstr("hunter2")));
  }
}

TEST(Settings, StatementsAreShownByNameAndLength) {
  const Settings s = load({}, {"--workload.rate=1", "--workload.sql=a=SELECT 1",
                               "--workload.sql=SELECT 'hunter2'",
                               "--probe.select_1.sql=SELECT 'hunter2'"});
  EXPECT_EQ(effective(s, "--workload.sql"),
            "a: 8 bytes of SQL, workload_2: 16 bytes of SQL by flag");
  EXPECT_EQ(effective(s, "--probe.select_1.sql"), "16 bytes of SQL by flag");
  EXPECT_EQ(effective(load(), "--probe.select_1.sql"), "SELECT 1 by default");
}

TEST(Settings, TheApplicationNameIsOursUnlessNamed) {
  EXPECT_EQ(load().pools.at(0).database->get("fallback_application_name"),
            "dbpool_exporter");
  const Settings s = load({{"DATABASE_URL", kUrl + "?application_name=mine"}});
  EXPECT_EQ(s.pools.at(0).database->get("application_name"), "mine");
  EXPECT_EQ(s.pools.at(0).database->get("fallback_application_name"),
            std::nullopt);
}

TEST(Settings, TheDemoNeedsNoDatabase) {
  const auto s = load_settings({"--demo"}, {});
  ASSERT_TRUE(s.has_value());
  EXPECT_TRUE(s->demo);
  EXPECT_EQ(s->pools.at(0).database, std::nullopt);
  EXPECT_THAT(s->notices, IsEmpty());
  const Settings other = load({}, {"--demo"});
  EXPECT_EQ(other.pools.at(0).database, std::nullopt);
  EXPECT_THAT(notices(other), ElementsAre(HasSubstr("DATABASE_URL")));
  EXPECT_THAT(mistakes({}, {"--demo", "--workload.rate=5"}),
              ElementsAre(StartsWith("--workload.rate: --demo has")));
}

TEST(Environment, IsCopiedWithTheFirstOfEachName) {
  const char* entries[] = {"A=1", "B=", "C=x=y", "A=2", "NOVALUE", nullptr};
  EXPECT_EQ(copy_environment(entries),
            (Environment{{"A", "1"}, {"B", ""}, {"C", "x=y"}}));
  EXPECT_THAT(copy_environment(nullptr), IsEmpty());
}

TEST(Settings, AVariableForAPathDoesNotShowWhatIsNoPath) {
  EXPECT_THAT(mistakes({{"DB_SSL_KEY_FILE", "u:s3cret@h"}}),
              ElementsAre(StartsWith("DB_SSL_KEY_FILE: No such file")));
  EXPECT_THAT(
      mistakes({{"DB_SSL_KEY_FILE", "/no/such.key"}}),
      ElementsAre(StartsWith("DB_SSL_KEY_FILE=\"/no/such.key\": No such")));
}

}  // namespace
}  // namespace dbpool::exporter
