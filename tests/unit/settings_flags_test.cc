// load_settings(): the flags that have no variable, and how flags are read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "exporter/settings/definitions.h"
#include "exporter/settings/settings.h"
#include "tests/unit/settings_fixture.h"

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
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

TEST(Flags, ProbesHaveIntervalsTimeoutsAndSql) {
  const Settings s =
      load({}, {"--probe.connect.interval=30s", "--probe.connect.timeout=1s",
                "--probe.select_1.interval=500ms", "--probe.select_1.timeout",
                "2s", "--probe.select_1.sql", "SELECT 2",
                "--probe.server.interval=0", "--probe.server.timeout=3s"});
  EXPECT_EQ(s.pools.at(0).probes.connect.interval, seconds(30));
  EXPECT_EQ(s.pools.at(0).probes.connect.timeout, seconds(1));
  EXPECT_EQ(s.pools.at(0).probes.select.interval, milliseconds(500));
  EXPECT_EQ(s.pools.at(0).probes.select.timeout, seconds(2));
  EXPECT_EQ(s.pools.at(0).probes.select_sql, "SELECT 2");
  EXPECT_EQ(s.pools.at(0).probes.server.interval, std::nullopt) << "off";
  EXPECT_EQ(s.pools.at(0).probes.server.timeout, seconds(3));
  for (const char* flag :
       {"--probe.connect.interval=15", "--probe.select_1.interval=10ms",
        "--probe.server.interval=25h", "--probe.connect.timeout=0",
        "--probe.select_1.timeout=6m", "--probe.server.timeout=x"}) {
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
  ASSERT_TRUE(s.pools.at(0).workload.has_value());
  EXPECT_EQ(s.pools.at(0).workload->clients, 50U);
  EXPECT_EQ(s.pools.at(0).workload->rate, 0);
  EXPECT_EQ(s.pools.at(0).workload->think, milliseconds(10));
  EXPECT_EQ(s.pools.at(0).workload->hold, seconds(1));
  ASSERT_EQ(s.pools.at(0).workload->statements.size(), 2U);
  EXPECT_EQ(s.pools.at(0).workload->statements[0].name, "one");
  EXPECT_EQ(s.pools.at(0).workload->statements[0].sql, "SELECT 1");
  EXPECT_EQ(s.pools.at(0).workload->statements[1].sql, "SELECT a=2");
}

TEST(Flags, OpenLoopWorkload) {
  const Settings s =
      load({}, {"--workload.rate=2.5", "--workload.max-in-flight=7"});
  ASSERT_TRUE(s.pools.at(0).workload.has_value());
  EXPECT_EQ(s.pools.at(0).workload->rate, 2.5);
  EXPECT_EQ(s.pools.at(0).workload->clients, 0U);
  EXPECT_EQ(s.pools.at(0).workload->max_in_flight, 7U);
  ASSERT_EQ(s.pools.at(0).workload->statements.size(), 1U);
  EXPECT_EQ(s.pools.at(0).workload->statements[0].sql, "SELECT 1");
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
  EXPECT_THAT(line({"--db.pool-pipeline=8", "--workload.clients=1",
                    "--workload.hold=1s"}),
              StartsWith("--workload.hold: there is no lease to hold"));
  EXPECT_THAT(line({"--workload.hold=1s"}),
              StartsWith("--workload.hold: needs a workload"));
}

TEST(Flags, WorkloadOfScripts) {
  const Settings s =
      load({}, {"--workload.clients=1", "--workload.script=builtin:tpcb-like@2",
                "--workload.script=builtin:select-only", "--workload.scale=10",
                "--workload.hold=1s"});
  ASSERT_TRUE(s.pools.at(0).workload.has_value());
  EXPECT_TRUE(s.pools.at(0).workload->statements.empty());
  ASSERT_EQ(s.pools.at(0).workload->scripts.size(), 2U);
  EXPECT_EQ(s.pools.at(0).workload->scripts[0].name, "tpcb_like");
  EXPECT_EQ(s.pools.at(0).workload->scripts[0].weight, 2U);
  EXPECT_EQ(s.pools.at(0).workload->scale, 10);
  EXPECT_EQ(effective(s, "--workload.script"),
            "builtin:tpcb-like@2, builtin:select-only by flag");
}

TEST(Flags, ScriptsThatCannotRunStopTheStart) {
  const std::string script = "--workload.script=builtin:select-only";
  const auto line = [](Args args) {
    args.emplace_back("--workload.clients=1");
    return mistakes({}, args).at(0);
  };
  EXPECT_THAT(line({script, "--workload.sql=SELECT 1"}),
              StartsWith("--workload.sql: contradicts --workload.script"));
  EXPECT_THAT(line({"--workload.scale=2"}),
              StartsWith("--workload.scale: belongs to --workload.script"));
  EXPECT_THAT(line({script, "--db.pool-pipeline=2"}),
              StartsWith("--workload.script: holds a lease, and there is"));
  EXPECT_THAT(line({script, "--workload.scale=0"}),
              StartsWith("--workload.scale=\"0\": expected"));
  EXPECT_THAT(line({"--workload.script=/no/such.sql"}),
              StartsWith("--workload.script: /no/such.sql: No such file"));
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
}

TEST(Flags, WithoutAValueTheLineNamesTheFlagAndWhatIsAccepted) {
  const std::string number =
      "--db.pool-max: no value was given; expected a whole number from 1 to "
      "10000";
  for (const Args& args :
       {Args{"--db.pool-max="}, Args{"--db.pool-max"},
        Args{"--db.pool-max", ""}, Args{"--db.pool-max", " "}}) {
    EXPECT_THAT(mistakes({}, args), ElementsAre(number));
  }
  EXPECT_THAT(mistakes({}, {"--web.listen-address="}),
              ElementsAre(StartsWith("--web.listen-address: no value was "
                                     "given; expected :port, host:port")));
  EXPECT_THAT(mistakes({}, {"--workload.rate=1", "--workload.sql="}),
              ElementsAre("--workload.sql: no value was given; expected "
                          "[NAME=]SQL"));
  EXPECT_THAT(mistakes({}, {"--web.config.file"}),
              ElementsAre("--web.config.file: no value was given; expected "
                          "FILE"));
  EXPECT_THAT(mistakes({}, {"--profile="}),
              ElementsAre("--profile: no value was given; expected one of "
                          "production, development"));
}

TEST(Flags, AFlagDoesNotTakeTheNextFlagForItsValue) {
  EXPECT_THAT(mistakes({}, {"--db.ssl", "--db.pool-max=x"}),
              UnorderedElementsAre(StartsWith("--db.ssl: no value was given; "
                                              "expected one of true, false"),
                                   StartsWith("--db.pool-max=\"x\"")));
  const auto demo = load_settings({"--db.ssl", "--demo"}, {});
  ASSERT_FALSE(demo.has_value());
  EXPECT_THAT(demo.error().errors, ElementsAre(StartsWith("--db.ssl: no")));
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
  EXPECT_EQ(line({"--database-url=postgres://app:hunter2@db/x"}),
            "unknown flag \"--database-url\"; expected the database in the "
            "variable DATABASE_URL or in a file that DATABASE_URL_FILE names, "
            "never in a flag");
  const std::string no_flag =
      " is no flag; expected flags that begin with -- (the database is named "
      "by the variable DATABASE_URL), see --help";
  EXPECT_EQ(line({"serve"}), "the argument \"serve\"" + no_flag);
  EXPECT_EQ(line({"--db.pool-max", "5", "./config.yml"}),
            "the argument \"./config.yml\"" + no_flag);
  EXPECT_EQ(line({"postgres://app:hunter2@db/x"}),
            "the argument \"postgres://…\"" + no_flag);
  EXPECT_EQ(line({"host=db password=hunter2"}),
            "an argument that may hold a secret" + no_flag);
  EXPECT_EQ(line({"hunter2"}), "an argument that may hold a secret" + no_flag);
  EXPECT_THAT(line({"--database-url", "postgres://app:hunter2@db/x"}),
              StartsWith("unknown flag"));
  EXPECT_EQ(line({"-phunter2=1"}), "the argument \"-p…\"" + no_flag);
  EXPECT_EQ(line({"-p", "hunter2"}), "the argument \"-p\"" + no_flag);
  EXPECT_THAT(line({"--web.listen=:1"}), StartsWith("unknown flag"))
      << "no abbreviations";
}

TEST(Flags, WhatFollowsAPossibleSecretIsNotShownEither) {
  EXPECT_THAT(mistakes({}, {"postgres://db/x", "app", "hunter"}),
              Each(Not(HasSubstr("hunter"))));
  EXPECT_THAT(mistakes({}, {"-phunter"}), Each(Not(HasSubstr("hunter"))));
}

TEST(Flags, WhatFollowsAnUnknownFlagsValueIsNotShown) {
  for (const Args& args :
       {Args{"--nosuch=a", "hunter"}, Args{"--nosuch", "a", "hunter"},
        Args{"--nosuch=a", "--other", "b", "hunter"}, Args{"-x", "a", "hunter"},
        Args{"a b", "-x", "c", "hunter"}, Args{"A:b", "word", "hunter"}}) {
    EXPECT_THAT(mistakes({}, args), Each(Not(HasSubstr("hunter"))));
  }
}

TEST(Flags, AnUnknownFlagIsShownOnlyIfItIsAName) {
  for (const char* flag :
       {"--password secretzq", "--password:secretzq@1", "--secretzQ=off",
        "--probe.connect.insecretzQterval=off", "--secretzq/1",
        "--\xffsecretzq"}) {
    EXPECT_THAT(mistakes({}, {flag}),
                ElementsAre("an unknown flag that may hold a secret; expected "
                            "one that --help lists"));
  }
  EXPECT_THAT(mistakes({}, {"--no_such.flag-1"}),
              ElementsAre(StartsWith("unknown flag \"--no_such.flag-1\"")));
}

TEST(Flags, BehindTwoDashesThereIsNothingMoreToTell) {
  EXPECT_THAT(mistakes({}, {"--", "--config.check", "hunter2"}),
              ElementsAre(StartsWith("the argument \"--\" is no flag")));
}

TEST(Flags, AnUnknownFlagAndItsValueAreOneMistake) {
  for (const char* flag : {"--database.url", "--dsn", "--nosuch"}) {
    EXPECT_THAT(mistakes({}, {flag, "postgres://app:hunter2@db/x"}), SizeIs(1));
    EXPECT_THAT(mistakes({}, {flag, "--other", "a", "b"}), SizeIs(3));
  }
}

TEST(Flags, PasswordsAreNotTakenByFlags) {
  for (const Definition& definition : definitions()) {
    EXPECT_NE(definition.variable, "DATABASE_URL");
    EXPECT_THAT(std::string(definition.variable), Not(HasSubstr("KEY")));
  }
  EXPECT_EQ(mistakes({}, {"--db.ssl-key=x"}).size(), 1U);
}

TEST(Flags, SwitchesTakeNoSecondMeaning) {
  for (const std::string flag : {"--demo", "--version", "--help"}) {
    for (const char* value : {"=maybe", "=1", "=true", "="}) {
      EXPECT_THAT(mistakes({}, {flag + value}),
                  ElementsAre(flag + ": a value was given; expected " + flag +
                              " alone"));
    }
  }
}

TEST(Flags, HelpListsEveryFlagVariableAndDefault) {
  const auto exit = load_settings({"--help", "--db.pool-max=x"}, {});
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

TEST(Flags, HelpAndVersionDoNotHideAFlagThatIsUnknown) {
  EXPECT_THAT(mistakes({}, {"--version", "--bogus"}),
              ElementsAre(StartsWith("unknown flag \"--bogus\"")));
  EXPECT_THAT(mistakes({}, {"--help", "nonsense"}), SizeIs(1));
}

TEST(Flags, VersionTellsVersionRevisionCompilerAndLibraries) {
  const auto exit = load_settings({"--version"}, {});
  ASSERT_FALSE(exit.has_value());
  EXPECT_EQ(exit.error().code, 0);
  EXPECT_THAT(
      exit.error().output,
      testing::MatchesRegex("dbpool_exporter [0-9.]+\n  revision +[0-9a-z]+\n"
                            "  compiler +[^\n]+\n  libpq +[0-9.]+\n"
                            "(  [A-Za-z0-9:+-]+ +[0-9.]+\n)+"));
}

}  // namespace
}  // namespace dbpool::exporter
