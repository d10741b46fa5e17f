// The file of --config.file: what it says, and what stands over it.
#include "exporter/settings/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/unit/config_file_fixture.h"

namespace dbpool::exporter {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;
using testing::UnorderedElementsAre;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

TEST(ConfigFileTest, GivesASettingThatNeitherFlagNorVariableGives) {
  const Settings s = loaded(
      with_pool("    pool_max: 7\n    max_uses: 100\n    max_waiting: 55\n"),
      {{"DB_MAX_USES", "200"}, {"DB_MAX_WAITING", "66"}},
      {"--db.max-waiting=77"});
  ASSERT_THAT(s.pools, SizeIs(1));
  EXPECT_EQ(s.pools[0].options.name, "orders");
  EXPECT_EQ(s.pools[0].options.max_connections, 7U);
  EXPECT_EQ(s.pools[0].options.max_uses, 200U);
  EXPECT_EQ(s.pools[0].options.max_waiting_requests, 77U);
  EXPECT_EQ(effective(s, "DB_POOL_MAX"), "7 by configuration");
  EXPECT_EQ(effective(s, "DB_MAX_USES"), "200 by environment");
}

TEST(ConfigFileTest, ManyPoolsHaveEachTheirOwnSettings) {
  const Settings s = loaded(
      with_two_pools("    pool_max: 3\n    probe: {select_1: {sql: SELECT 2}}\n"
                     "    workload: {clients: 4}\n"));
  ASSERT_THAT(s.pools, SizeIs(2));
  const PoolSettings& a = s.pools[0];
  const PoolSettings& b = s.pools[1];
  EXPECT_EQ(a.options.name, "a");
  EXPECT_EQ(a.database->get("host"), "one");
  EXPECT_EQ(a.options.max_connections, 10U);
  EXPECT_EQ(a.probes.select_sql, "SELECT 1");
  EXPECT_EQ(a.workload, std::nullopt);
  EXPECT_EQ(b.options.name, "b");
  EXPECT_EQ(b.database->get("host"), "two");
  EXPECT_EQ(b.options.max_connections, 3U);
  EXPECT_EQ(b.probes.select_sql, "SELECT 2");
  ASSERT_TRUE(b.workload);
  EXPECT_EQ(b.workload->clients, 4U);
}

TEST(ConfigFileTest, AVariableStandsOverEveryPool) {
  const Settings s = loaded(with_two_pools("    pool_max: 3\n"),
                            {{"DB_POOL_MAX", "8"}}, {"--db.pool-min=1"});
  ASSERT_THAT(s.pools, SizeIs(2));
  for (const PoolSettings& pool : s.pools) {
    EXPECT_EQ(pool.options.max_connections, 8U);
    EXPECT_EQ(pool.options.min_connections, 1U);
  }
}

TEST(ConfigFileTest, AVariablesMistakeIsToldOnceForAllPools) {
  EXPECT_THAT(mistake(with_two_pools(), {{"DB_POOL_MAX", "many"}}),
              StartsWith("DB_POOL_MAX=\"many\": expected"));
}

TEST(ConfigFileTest, WithoutPoolsTheEnvironmentMakesTheDefaultOne) {
  for (const char* text : {"", "log: {level: warn}\n", "pools: {}\n"}) {
    const Settings s = loaded(text, {{"DATABASE_URL", kUrl}});
    ASSERT_THAT(s.pools, SizeIs(1));
    EXPECT_EQ(s.pools[0].options.name, "default");
    EXPECT_EQ(s.pools[0].database->get("host"), "db.example");
  }
}

TEST(ConfigFileTest, TheProfileOfTheFileYieldsToTheEnvironment) {
  const std::string text = "profile: production\n" + with_pool("    ssl: no\n");
  EXPECT_EQ(loaded(text).pools[0].options.max_connections, 20U);
  EXPECT_EQ(loaded(text, {{"NODE_ENV", "development"}})
                .pools[0]
                .options.max_connections,
            10U);
  EXPECT_EQ(loaded(text, {}, {"--profile=development"})
                .pools[0]
                .options.max_connections,
            10U);
}

TEST(ConfigFileTest, TheEnvironmentsDatabaseStandsOverTheOneOfASinglePool) {
  const Settings s = loaded(with_pool("    password: of-the-file\n"),
                            {{"DATABASE_URL", "postgres://me@other/app"}});
  EXPECT_EQ(s.pools[0].options.name, "orders");
  EXPECT_EQ(s.pools[0].database->get("host"), "other");
  EXPECT_FALSE(s.pools[0].database->get("password").has_value());
}

TEST(ConfigFileTest, TheEnvironmentsDatabaseIsRefusedBesideSeveralPools) {
  const auto settings =
      ConfigFolder(with_two_pools()).load({{"DATABASE_URL", kUrl}});
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().errors,
              ElementsAre(AllOf(
                  StartsWith("DATABASE_URL names one database, and "),
                  HasSubstr("pools.yml has 2 pools; expected it unset"))));
}

TEST(ConfigFileTest, ADatabaseComesInPartsWithItsPasswordInAFile) {
  const ConfigFolder folder(
      "pools:\n  a:\n    host: h\n    port: 6543\n    user: o'me\n"
      "    database: d b\n    password_file: pw\n");
  folder.write("pw", "it's \\ s3cret\n");
  const auto s = folder.load();
  ASSERT_TRUE(s) << testing::PrintToString(s.error().errors);
  const ConnectionString& database = *s->pools[0].database;
  EXPECT_EQ(database.get("port"), "6543");
  EXPECT_EQ(database.get("user"), "o'me");
  EXPECT_EQ(database.get("dbname"), "d b");
  EXPECT_EQ(database.get("password"), "it's \\ s3cret");
}

TEST(ConfigFileTest, PathsAreRelativeToTheFile) {
  const ConfigFolder folder(
      "web: {config: {file: web.yml}}\npools:\n  a:\n    url_file: url\n"
      "    ssl_ca_file: ca.pem\n"
      "    workload: {clients: 1, script: [s.sql@2, 'builtin:select-only']}\n");
  folder.write("url", kUrl);
  folder.write("s.sql", "SELECT 1;\n");
  folder.write("ca.pem", test::CertificateAuthority("a CA").certificate());
  const auto s = folder.load();
  ASSERT_TRUE(s) << testing::PrintToString(s.error().errors);
  EXPECT_EQ(s->web.config_file, folder.dir.path() + "/web.yml");
  EXPECT_EQ(s->pools[0].database->get("host"), "db.example");
  EXPECT_EQ(s->pools[0].database->get("sslmode"), "verify-full");
  ASSERT_TRUE(s->pools[0].workload);
  EXPECT_THAT(s->pools[0].workload->scripts, SizeIs(2));
}

TEST(ConfigFileTest, VariablesArePutIntoValuesAfterTheYamlIsRead) {
  const Settings s = loaded(
      with_pool("    password: ${PW}\n    pool_max: ${N}\n"
                "    probe: {select_1: {sql: 'SELECT $1, $$a$$, $${X}'}}\n"),
      {{"PW", "x: [y\n#"}, {"N", "3"}});
  EXPECT_EQ(s.pools[0].database->get("password"), "x: [y\n#");
  EXPECT_EQ(s.pools[0].options.max_connections, 3U);
  EXPECT_EQ(s.pools[0].probes.select_sql, "SELECT $1, $$a$$, ${X}");
  EXPECT_THAT(s.expanded_variables, UnorderedElementsAre("PW", "N"));
}

TEST(ConfigFileTest, ANoticeOfAPoolTellsItsName) {
  const Settings s =
      loaded("pools:\n  near:\n    {host: /run/postgresql, ssl: true}\n");
  EXPECT_THAT(notices(s), Contains(StartsWith("pool near: ")));
}

TEST(ConfigFileTest, TheSameCallLoadsAChangedFile) {
  const ConfigFolder folder(with_pool("    pool_max: 3\n"));
  const auto before = folder.load();
  folder.write("pools.yml", with_two_pools("    pool_max: 4\n"));
  const auto after = folder.load();
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->pools[0].options.max_connections, 3U);
  ASSERT_THAT(after->pools, SizeIs(2));
  EXPECT_EQ(after->pools[1].options.max_connections, 4U);
}

TEST(ConfigFileTest, ADemoHasOnePool) {
  EXPECT_THAT(mistake(with_two_pools(), {}, {"--demo"}),
              HasSubstr("pools.yml has 2 pools; expected none"));
}

}  // namespace
}  // namespace dbpool::exporter
