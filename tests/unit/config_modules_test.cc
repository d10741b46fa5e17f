// modules in the file of --config.file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "exporter/settings/config_page.h"
#include "tests/unit/config_file_fixture.h"

namespace dbpool::exporter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

// A file whose one module has `more`, from line 5 on.
std::string with_module(const std::string& more) {
  return "modules:\n  fleet:\n    user: exporter\n"
         "    targets: {hosts: [db.example.org]}\n" +
         more;
}

// The same with these targets.
std::string with_targets(const std::string& targets) {
  return "modules:\n  fleet:\n    user: exporter\n    targets: {" + targets +
         "}\n";
}

const ModuleSettings& only(const Settings& settings) {
  EXPECT_THAT(settings.modules, SizeIs(1));
  return settings.modules.at(0);
}

TEST(ConfigModulesTest, EachKeyIsTaken) {
  const Settings settings = loaded(
      "modules:\n  fleet:\n    user: exporter\n    password: ${PW}\n"
      "    database: orders\n    statement_timeout_ms: 700\n    targets: "
      "{hosts: "
      "[DB1.example.org., '*.db.example.org', '*'], networks: [10.0.0.0/8, "
      "'fd00::/8'], ports: [5432, 6432-6440], allow_loopback: true, "
      "allow_link_local: true}\n"
      "    max_connections: 3\n    keep: 90s\n    max_targets: 7\n"
      "    timeout: 2s\n    probes: [select_1]\n"
      "    custom_probes: {age: {sql: SELECT 1, timeout: 1s}}\n",
      {{"PW", "s3cret"}});
  const ModuleSettings& module = only(settings);
  EXPECT_EQ(module.name(), "fleet");
  EXPECT_EQ(module.pool.database->user(), "exporter");
  EXPECT_EQ(module.pool.database->get("password"), "s3cret");
  EXPECT_EQ(module.pool.database->database(), "orders");
  EXPECT_EQ(module.pool.options.statement_timeout,
            std::chrono::milliseconds(700));
  EXPECT_EQ(module.pool.options.max_connections, 3U);
  EXPECT_EQ(module.pool.options.min_connections, 0U);
  EXPECT_EQ(module.pool.options.idle_timeout, std::nullopt);
  EXPECT_THAT(module.pool.custom_probes, SizeIs(1));
  const ModuleOptions& options = module.options;
  EXPECT_THAT(options.allowed.hosts,
              ElementsAre("db1.example.org", "*.db.example.org", "*"));
  ASSERT_THAT(options.allowed.networks, SizeIs(2));
  EXPECT_EQ(options.allowed.networks[1].text(), "fd00::/8");
  ASSERT_THAT(options.allowed.ports, SizeIs(2));
  EXPECT_EQ(options.allowed.ports[0].text(), "5432");
  EXPECT_EQ(options.allowed.ports[1].text(), "6432-6440");
  EXPECT_TRUE(options.allowed.allow_loopback);
  EXPECT_TRUE(options.allowed.allow_link_local);
  EXPECT_EQ(options.keep, std::chrono::seconds(90));
  EXPECT_EQ(options.max_targets, 7U);
  EXPECT_EQ(options.timeout, std::chrono::seconds(2));
  EXPECT_FALSE(options.connect);
  EXPECT_TRUE(options.select_1);
  EXPECT_FALSE(options.server);
}

TEST(ConfigModulesTest, AModuleAloneNeedsNoPool) {
  const Settings settings = loaded(with_module(""));
  EXPECT_THAT(settings.pools, IsEmpty());
  const ModuleOptions& options = only(settings).options;
  EXPECT_TRUE(options.connect && options.server && !options.select_1);
  EXPECT_FALSE(options.allowed.allow_loopback);
  EXPECT_EQ(options.max_connections, 2U);
  EXPECT_EQ(options.max_targets, 1000U);
  // As with any file, the environment's database has a pool of its own.
  EXPECT_THAT(loaded(with_module(""), {{"DATABASE_URL", kUrl}}).pools,
              SizeIs(1));
  EXPECT_THAT(loaded(with_pool("") + with_module("")).pools, SizeIs(1));
}

TEST(ConfigModulesTest, VariablesOfPoolsAreNotOfModules) {
  const Settings settings =
      loaded(with_module(""), {{"DATABASE_URL", kUrl},
                               {"DB_STATEMENT_TIMEOUT_MS", "77"},
                               {"DB_SSL", "true"}});
  const ModuleSettings& module = only(settings);
  EXPECT_EQ(module.pool.options.statement_timeout, std::chrono::seconds(30));
  EXPECT_EQ(module.pool.database->get("sslmode"), "disable");
  EXPECT_EQ(module.pool.database->user(), "exporter");
}

TEST(ConfigModulesTest, TheProfileDecidesOnTls) {
  const Settings settings = loaded("profile: production\n" + with_module(""));
  EXPECT_EQ(only(settings).pool.database->get("sslmode"), "verify-full");
}

TEST(ConfigModulesTest, AModuleSaysWhichTargetsItAllows) {
  const std::string at = "pools.yml:4: modules: fleet: targets: ";
  EXPECT_THAT(mistake(with_targets("")), HasSubstr(at + "none is allowed"));
  EXPECT_THAT(mistake("modules: {fleet: {user: a}}\n"),
              HasSubstr("modules: fleet: targets: none is allowed"));
  for (const char* hosts : {"'*'", "10.0.0.1", "'*.*.org'", "'db*'", "''",
                            "'a b'", "127.1", "'db:5432'", "'[::1]'"}) {
    EXPECT_THAT(mistake(with_targets("hosts: [" + std::string(hosts) + "]")),
                AllOf(HasSubstr(at + "hosts"), HasSubstr("expected DNS names")))
        << hosts;
  }
  for (const std::string networks : {"10.0.0.1/8", "db.example.org", "*"}) {
    EXPECT_THAT(mistake(with_targets("networks: ['" + networks + "']")),
                HasSubstr(at + "networks=\"" + networks +
                          "\": expected addresses with a prefix"));
  }
  for (const std::string ports : {"0", "65536", "5433-5432", "5432-", "-5432",
                                  "http", "5432-5433-5434"}) {
    EXPECT_THAT(mistake(with_targets("hosts: [a], ports: ['" + ports + "']")),
                HasSubstr(at + "ports=\"" + ports +
                          "\": expected ports from 1 to 65535"));
  }
  EXPECT_THAT(mistake(with_targets("networks: ['']")),
              HasSubstr(at + "networks: no value was given; expected "));
  EXPECT_THAT(mistake(with_targets("hosts: a")),
              HasSubstr(at + "hosts: a text was given; expected a list"));
  EXPECT_THAT(mistake(with_targets("hosts: [a], allow_loopback: often")),
              HasSubstr(at + "allow_loopback: a text was given; expected true "
                             "or false"));
}

TEST(ConfigModulesTest, AMistakeIsToldWithItsLineAndKey) {
  const std::string at = "pools.yml:5: modules: fleet: ";
  EXPECT_THAT(mistake(with_module("    max_connections: 0\n")),
              HasSubstr(at + "max_connections=\"0\": expected "));
  EXPECT_THAT(mistake(with_module("    keep: 0s\n")),
              HasSubstr(at + "keep=\"0s\": expected "));
  EXPECT_THAT(mistake(with_module("    timeout: often\n")),
              HasSubstr(at + "timeout=\"often\": expected "));
  EXPECT_THAT(mistake(with_module("    probes: [ping]\n")),
              HasSubstr(at + "probes=\"ping\": expected one of connect, "
                             "select_1"));
  EXPECT_THAT(mistake(with_module("    probes: [server]\n")),
              HasSubstr(at + "probes: server alone was given; expected "
                             "connect or select_1"));
  EXPECT_THAT(mistake(with_module("    custom_probes: {a: {sql: SELECT 1, "
                                  "interval: 1s}}\n")),
              HasSubstr(at + "custom_probes: a: interval=\"1s\": expected "
                             "none"));
  for (const char* key : {"url", "host", "port", "pool_max", "workload"}) {
    EXPECT_THAT(mistake(with_module("    " + std::string(key) + ": 1\n")),
                HasSubstr("pools.yml:5: modules: fleet: unknown key"))
        << key;
  }
  EXPECT_THAT(mistake("modules: {fleet: {targets: {hosts: [a]}}}\n"),
              HasSubstr("modules: fleet: no user"));
  EXPECT_THAT(mistake("modules: {'a b': {}}\n"),
              HasSubstr("pools.yml:1: modules: \"a b\" is no name; "
                        "expected up to 60 letters"));
  EXPECT_THAT(mistake(with_module("    password_file: nowhere\n")),
              HasSubstr("modules: fleet: password_file"));
}

TEST(ConfigModulesTest, ASecretIsInNoMistakeAndOnNoPage) {
  for (const char* more :
       {"    max_connections: ${PW}\n", "    keep: ${PW}\n",
        "    probes: ['${PW}']\n", "    statement_timeout_ms: ${PW}\n",
        "    custom_probes: {a: {sql: x, timeout: '${PW}'}}\n"}) {
    EXPECT_THAT(mistake(with_module(more), {{"PW", "s3cret"}}),
                AllOf(HasSubstr("modules: fleet"), Not(HasSubstr("s3cret"))))
        << more;
  }
  for (const char* targets : {"networks: ['${PW}']", "hosts: ['${PW}:1']",
                              "hosts: [a], ports: ['${PW}']"}) {
    EXPECT_THAT(mistake(with_targets(targets), {{"PW", "s3cret"}}),
                AllOf(HasSubstr("=\"${PW}"), Not(HasSubstr("s3cret"))));
  }
  const std::string page = config_page(
      loaded(with_module("    password: ${PW}\n"), {{"PW", "s3cret"}}));
  EXPECT_THAT(page,
              AllOf(HasSubstr("modules:\n  fleet:\n    user: exporter"),
                    HasSubstr("password: <secret>"),
                    HasSubstr("hosts: [db.example.org]"), HasSubstr("keep: 5m"),
                    HasSubstr("timeout: 10s"), Not(HasSubstr("s3cret")),
                    Not(HasSubstr("target.invalid"))));
}

TEST(ConfigModulesTest, AChangeIsOneOfWhatTargetsAreAskedWith) {
  const Settings before = loaded(with_module("    password: a\n"));
  const auto is_same = [&](const std::string& text) {
    return only(before).asks_like(only(loaded(text)));
  };
  EXPECT_TRUE(is_same(with_module("    password: a\n    keep: 5m\n")));
  EXPECT_FALSE(is_same(with_module("    password: b\n")));
  EXPECT_FALSE(is_same(with_module("    password: a\n    keep: 6m\n")));
  EXPECT_FALSE(is_same(with_module(
      "    password: a\n    custom_probes: {a: {sql: SELECT 1}}\n")));
  EXPECT_FALSE(is_same(with_module("    password: a\n    max_uses: 5\n")));
}

}  // namespace
}  // namespace dbpool::exporter
