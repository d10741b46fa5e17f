// The file of --config.file: how mistakes in it are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/unit/config_file_fixture.h"

namespace dbpool::exporter {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

TEST(ConfigMistakesTest, AnUnknownKeyIsToldWithTheNearestName) {
  EXPECT_EQ(mistake(with_pool("    pool_mx: 3\n")),
            "pools.yml:4: pools: orders: unknown key \"pool_mx\"; the nearest "
            "known one is pool_max");
  EXPECT_EQ(mistake(with_two_pools("    probe: {conect: {}}\n")),
            "pools.yml:6: pools: b: probe: unknown key \"conect\"; the nearest "
            "known one is connect");
  EXPECT_THAT(mistake("pool: {}\n"),
              HasSubstr("pools.yml:1: unknown key \"pool\"; the nearest known "
                        "one is pools"));
}

TEST(ConfigMistakesTest, AValueOfTheWrongTypeIsTold) {
  EXPECT_THAT(mistake(with_pool("    pool_max: many\n")),
              HasSubstr("pools.yml:4: pools: orders: pool_max=\"many\": "
                        "expected a whole number"));
  EXPECT_THAT(mistake(with_pool("    pool_max: [1]\n")),
              HasSubstr("pools.yml:4: pools: orders: pool_max: a list was "
                        "given; expected a text"));
  EXPECT_THAT(mistake(with_pool("    probe: often\n")),
              HasSubstr("pools.yml:4: pools: orders: probe: a text was given; "
                        "expected a mapping"));
  EXPECT_THAT(mistake(with_pool("    workload: {sql: SELECT 1}\n")),
              HasSubstr("pools.yml:4: pools: orders: workload: sql: a text was "
                        "given; expected a list"));
  EXPECT_THAT(mistake("pools:\n  a: {host: [a], user: u}\n"),
              HasSubstr("pools.yml:2: pools: a: host: a list was given; "
                        "expected a text"));
  EXPECT_THAT(mistake("pools:\n  a: {host: a, password: {s3cret: 1}}\n"),
              AllOf(HasSubstr("pools: a: password: a mapping was given; "
                              "expected a text"),
                    Not(HasSubstr("s3cret"))));
  EXPECT_THAT(mistake(with_pool("    workload: {sql: [[a]]}\n")),
              HasSubstr("workload: sql: in the list: a list was given; "
                        "expected a list of texts"));
  EXPECT_THAT(mistake("pools: [a]\n"), HasSubstr("pools.yml:1: pools: "));
  EXPECT_THAT(mistake("- a\n"), HasSubstr("pools.yml:1: a list was given; "
                                          "expected a mapping"));
}

TEST(ConfigMistakesTest, ADuplicateIsTold) {
  EXPECT_THAT(mistake(with_pool("    pool_max: 1\n    pool_max: 2\n")),
              AllOf(HasSubstr("pools.yml:5:"), HasSubstr("given twice")));
  EXPECT_THAT(mistake(with_two_pools("  a: {}\n")),
              AllOf(HasSubstr("pools.yml:6:"), HasSubstr("given twice")));
}

TEST(ConfigMistakesTest, AContradictionIsTold) {
  EXPECT_THAT(mistake(with_pool("    host: h\n")),
              HasSubstr("pools.yml:4: pools: orders: host contradicts"));
  EXPECT_THAT(mistake(with_pool("    url_file: f\n")),
              HasSubstr("pools.yml:4: pools: orders: url_file contradicts"));
  EXPECT_THAT(mistake(with_pool("    workload: {hold: 1s}\n")),
              AllOf(HasSubstr("pools.yml:4:"), HasSubstr("needs a workload")));
  EXPECT_THAT(mistake(with_pool("    pool_min: 9\n"), {{"DB_POOL_MAX", "3"}}),
              HasSubstr("pools.yml:4: pools: orders: pool_min=9: above "
                        "DB_POOL_MAX=3"));
  EXPECT_THAT(
      mistake("pools:\n  a:\n    url: postgres://u:x@h/d\n    password: y\n"),
      HasSubstr("pools.yml:4: pools: a: password contradicts the password"));
  EXPECT_THAT(mistake("pools:\n  a:\n    password: y\n"),
              HasSubstr("pools.yml:3: pools: a: a password alone"));
  EXPECT_THAT(mistake("pools:\n  a:\n    url: 'host=h sslmode=require'\n"
                      "    ssl: false\n"),
              AllOf(HasSubstr("pools.yml:4: pools: a: ssl=false contradicts"),
                    HasSubstr("pools.yml:3: pools: a: url")));
}

TEST(ConfigMistakesTest, APoolWithoutADatabaseIsTold) {
  EXPECT_THAT(mistake(with_two_pools("  c: {pool_max: 2}\n")),
              HasSubstr("pools.yml:6: pools: c: no database; expected url"));
}

TEST(ConfigMistakesTest, AMalformedDatabaseIsNamedButNotShown) {
  EXPECT_THAT(mistake("pools:\n  a:\n    url: postgres://u:s3cret@[::1/d\n"),
              AllOf(HasSubstr("pools.yml:3: pools: a: url: "),
                    Not(HasSubstr("s3cret"))));
  EXPECT_THAT(mistake("pools:\n  a:\n    {host: h, port: s3cret}\n"),
              AllOf(HasSubstr("pools: a: "), Not(HasSubstr("s3cret"))));
}

TEST(ConfigMistakesTest, APathInThePlaceOfACertificateIsTold) {
  EXPECT_THAT(mistake(with_pool("    ssl_ca: /etc/ca.pem\n")),
              AllOf(HasSubstr("pools.yml:4: pools: orders: ssl_ca: "),
                    HasSubstr("; a path belongs in ssl_ca_file"),
                    Not(HasSubstr("/etc"))));
}

TEST(ConfigMistakesTest, APoolsNameIsBounded) {
  for (const std::string& name : {std::string("'a b'"), std::string("''"),
                                  std::string("ä"), std::string(61, 'x')}) {
    EXPECT_THAT(mistake("pools: {" + name + ": {url: x}}\n"),
                AllOf(HasSubstr("pools.yml:1: pools: \""),
                      HasSubstr("\" is no name; expected up to 60 letters")));
  }
  std::string many = "pools:\n";
  for (int i = 0; i < 101; ++i) many += "  p" + std::to_string(i) + ": {}\n";
  EXPECT_THAT(mistake(many), HasSubstr("101 pools; expected at most 100"));
}

TEST(ConfigMistakesTest, APathOfAVariableIsShownAsItStandsInTheFile) {
  const Environment environment = {{"TOK", "/tmp/envTokQ7"}};
  for (const std::string key : {"password_file", "url_file", "ssl_ca_file",
                                "ssl_key_file", "ssl_cert_file"}) {
    const std::string host = key == "url_file" ? "" : "    host: h\n";
    EXPECT_THAT(mistake("pools:\n  a:\n" + host + "    " + key + ": ${TOK}\n",
                        environment),
                AllOf(HasSubstr(key + "=\"${TOK}\": No such file"),
                      Not(HasSubstr("envTokQ7"))));
  }
}

TEST(ConfigMistakesTest, WhatAVariableMakesOfAUrlIsNotShown) {
  const auto of_url = [](const std::string& query) {
    return mistake("pools:\n  a:\n    url: postgres://u@h/d?" + query + "\n",
                   {{"TOK", "envTokQ7"}});
  };
  EXPECT_THAT(of_url("${TOK}=1"),
              AllOf(HasSubstr("pools.yml:3: pools: a: url: "),
                    HasSubstr("keyword"), Not(HasSubstr("envTokQ7"))));
  EXPECT_THAT(of_url("${TOK}=1&schema=x"),
              AllOf(HasSubstr("unknown keyword \"schema\""),
                    Not(HasSubstr("envTokQ7"))));
  EXPECT_THAT(
      of_url("sslmode=verify-full&sslrootcert=/${TOK}"),
      AllOf(HasSubstr("url: sslrootcert: "), Not(HasSubstr("envTokQ7"))));
  EXPECT_THAT(of_url("sslmode=require&sslcert=/${TOK}&sslkey=/${TOK}"),
              AllOf(HasSubstr("url: sslcert: "), Not(HasSubstr("envTokQ7"))));
  EXPECT_THAT(of_url("sslmode=${TOK}"),
              AllOf(HasSubstr("url"), Not(HasSubstr("envTokQ7"))));
}

TEST(ConfigMistakesTest, WhatAVariableMakesOfAWorkloadIsNotShown) {
  for (const char* more :
       {"script: ['/${TOK}.sql']", "script: ['builtin:${TOK}']",
        "sql: ['${TOK}=SELECT 1', '${TOK}=SELECT 2']"}) {
    EXPECT_THAT(mistake(with_pool("    workload: {clients: 1, " +
                                  std::string(more) + "}\n"),
                        {{"TOK", "envTokQ7"}}),
                AllOf(HasSubstr("no good with its variables put in"),
                      Not(HasSubstr("envTokQ7"))));
  }
  EXPECT_THAT(mistake(with_pool("    pool_min: ${MIN}\n    pool_max: ${MAX}\n"),
                      {{"MIN", "4711"}, {"MAX", "4242"}}),
              AllOf(HasSubstr("pool_min=\"${MIN}\": above "),
                    HasSubstr("pool_max=\"${MAX}\"; expected a whole number"),
                    Not(HasSubstr("4711")), Not(HasSubstr("4242"))));
}

TEST(ConfigMistakesTest, WhatIsNoPathIsNotShownAsOne) {
  for (const std::string given :
       {"s3cret", "'postgres://u:s3cret@h/d'", "'u:s3cret@h'",
        "'password /s3cret'", "LS0tLS1CRUdJTiBs3cret/a", "'${TOK} s3cret'"}) {
    EXPECT_THAT(
        mistake("pools:\n  a:\n    host: h\n    password_file: " + given + "\n",
                {{"TOK", "x"}}),
        AllOf(HasSubstr("password_file: No such file"),
              Not(HasSubstr("s3cret"))));
  }
  EXPECT_THAT(
      mistake("pools:\n  a:\n    host: h\n    password_file: ./none.txt\n"),
      HasSubstr("/./none.txt\": No such file"));
}

TEST(ConfigMistakesTest, ASecretIsInNoMistake) {
  const Environment environment = {{"PW", "s3cret"}};
  for (const char* more :
       {"    pool_max: ${PW}\n", "    pool_max: ${PW}-${NONE}\n",
        "    password: ${PW}\n    host: a\n", "    password: a${s3cret}\n",
        "    ssl_ca: ${PW}\n", "    ssl: ${PW}\n",
        "    probe: {connect: {interval: '${PW}'}}\n",
        "    password: s3cret ${\n", "    password: [s3cret]\n",
        "    password: {s3cret: 1}\n"}) {
    EXPECT_THAT(mistake(with_pool(more), environment),
                AllOf(HasSubstr(": pools: orders: "), Not(HasSubstr("s3cret"))))
        << more;
  }
  EXPECT_THAT(mistake("profile: ${PW}\n" + with_pool(""), environment),
              AllOf(HasSubstr("pools.yml:1: profile=\"${PW}\""),
                    Not(HasSubstr("s3cret"))));
}

TEST(ConfigMistakesTest, AVariableThatIsNotSetIsNamed) {
  EXPECT_EQ(mistake(with_pool("    pool_max: ${NO_SUCH}\n")),
            "pools.yml:4: pools: orders: pool_max: ${NO_SUCH} is not set; "
            "expected a variable of the environment");
  EXPECT_THAT(mistake(with_pool("    pool_max: ${}\n")),
              HasSubstr("expected ${NAME}"));
}

TEST(ConfigMistakesTest, MistakesInValuesAreToldAllAtOnce) {
  const auto settings =
      ConfigFolder("log: {level: loud}\n" +
                   with_two_pools("    pool_max: x\n    max_uses: y\n"))
          .load();
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().errors,
              ElementsAre(HasSubstr("pools.yml:1: log: level=\"loud\""),
                          HasSubstr("pools.yml:7: pools: b: pool_max=\"x\""),
                          HasSubstr("pools.yml:8: pools: b: max_uses=\"y\"")));
}

// Each list twice as long as the one before, by aliases.
std::string bomb() {
  std::string text = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" +
            before + ", " + before + "]\n";
  }
  return text;
}

std::string repeated(const std::string& start, const std::string& piece,
                     int times) {
  std::string text = start;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(ConfigMistakesTest, AHostileFileEndsInOneLine) {
  const Environment environment = {{"DATABASE_URL", kUrl},
                                   {"LONG", std::string(100'000, 'x')}};
  const std::string long_sql = "    probe: {select_1: {sql: &long " +
                               std::string(30'000, 'y') +
                               "}}\n    workload:\n      sql: [*long";
  for (const std::string& text :
       {bomb(), std::string("web: *none\n"), std::string("web: &w {web: *w}\n"),
        std::string(20'000, '['), std::string(20'000, '{'),
        std::string(1 << 20, 'a'), std::string("a: 1\n---\nb: 2\n"),
        std::string("log: {level: \"\xff\xfe\"}\n"), std::string("a: \t- b: ["),
        std::string("log: {level: \"a\\0b\"}\n"), std::string("? [a]\n: b\n"),
        with_pool(repeated(long_sql, ", *long", 3000) + "]\n"),
        with_pool(repeated("    url_file: x", "${LONG}", 5000) + "\n")}) {
    EXPECT_NE(mistake(text, environment), "");
  }
}

TEST(ConfigMistakesTest, AFileThatCannotBeReadIsNamed) {
  EXPECT_THAT(mistakes({}, {"--config.file=/no/such.yml"}),
              ElementsAre("--config.file=\"/no/such.yml\": No such file or "
                          "directory; expected the path of a file that can "
                          "be read"));
  const test::TempDir dir;
  EXPECT_THAT(mistakes({}, {"--config.file=" + dir.path()}),
              ElementsAre(HasSubstr("Is a directory")));
  const std::string pipe = dir.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(mistakes({}, {"--config.file=" + pipe}),
              ElementsAre(HasSubstr("is a pipe")));
  EXPECT_THAT(mistakes({}, {"--config.file="}),
              ElementsAre("--config.file: no value was given; expected FILE"));
  EXPECT_THAT(mistakes({}, {"--config.file=a", "--config.file=b"}),
              ElementsAre(HasSubstr("given 2 times")));
}

TEST(ConfigMistakesTest, TheOneLineHoldsEvenIfThePathHasMore) {
  const ConfigFolder folder("");
  folder.write("a\nb.yml", "pool: {}\n");
  const auto settings =
      load_settings({"--config.file=" + folder.dir.path() + "/a\nb.yml"}, {});
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().errors,
              ElementsAre(AllOf(HasSubstr("a\\nb.yml\":1: unknown key"),
                                Not(HasSubstr("\n")))));
}

TEST(ConfigMistakesTest, OtherMistakesAreToldBesideAFileThatIsNoGood) {
  const auto settings = ConfigFolder("pool: {}\n").load({{"DB_POOL_MAX", "x"}});
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error().errors,
              ElementsAre(HasSubstr("unknown key"), HasSubstr("DB_POOL_MAX")));
}

}  // namespace
}  // namespace dbpool::exporter
