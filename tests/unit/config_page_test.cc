// /config: the settings in force, without a secret.
#include "exporter/settings/config_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <sstream>
#include <string>
#include <vector>

#include "exporter/http/config_handler.h"
#include "tests/support/certificates.h"
#include "tests/unit/config_file_fixture.h"

namespace dbpool::exporter {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

TEST(ConfigPageTest, ShowsWhatIsInForceAsAFileWouldHaveIt) {
  const Settings s =
      loaded(with_two_pools("    pool_max: 3\n    workload:\n      clients: 2\n"
                            "      sql: [now=SELECT now(), SELECT 2]\n"),
             {{"DB_MAX_USES", "9"}},
             {"--web.listen-address=:1", "--web.listen-address=:2"});
  const std::string text = config_page(s);
  const YAML::Node page = YAML::Load(text);
  EXPECT_EQ(page["profile"].Scalar(), "development");
  EXPECT_EQ(page["web"]["listen_address"][1].Scalar(), ":2");
  EXPECT_EQ(page["web"]["max_requests"].Scalar(), "40");
  EXPECT_EQ(page["log"]["level"].Scalar(), "info");
  const YAML::Node b = page["pools"]["b"];
  EXPECT_EQ(b["url"].Scalar(),
            "postgresql://app@two:5432/orders?sslmode=disable");
  EXPECT_EQ(b["pool_max"].Scalar(), "3");
  EXPECT_EQ(b["probe"]["select_1"]["interval"].Scalar(), "1s");
  EXPECT_EQ(b["workload"]["sql"][0].Scalar(), "now: 12 bytes of SQL");
  EXPECT_EQ(page["pools"]["a"]["max_uses"].Scalar(), "9");
  EXPECT_FALSE(page["pools"]["a"]["workload"]["clients"].IsDefined());
  EXPECT_THAT(text, HasSubstr("pool_max: 3  # configuration\n"));
  EXPECT_THAT(text, HasSubstr("max_uses: 9  # environment\n"));
}

TEST(ConfigPageTest, HoldsNoSecret) {
  const test::CertificateAuthority authority("a CA");
  const test::KeyPair pair = authority.issue({.common_name = "app"});
  const Settings s = loaded(
      "pools:\n"
      "  a:\n    url: postgresql://u:s3cret@one/d?options=-ca%3Ds3cret\n"
      "    ssl_ca: ${CA}\n    ssl_cert: ${CERT}\n    ssl_key: ${KEY}\n"
      "  b:\n    {host: two, user: u, password: \"${PW}\"}\n"
      "  c:\n    url: host=three password=s3cret\n"
      "    probe: {select_1: {sql: \"SELECT 's3cret'\"}}\n"
      "    workload: {rate: 1, sql: [\"SELECT 's3cret'\"]}\n",
      {{"PW", "s3cret"},
       {"CA", test::base64(authority.certificate())},
       {"CERT", test::base64(pair.certificate)},
       {"KEY", test::base64(pair.key)}});
  const std::string text = config_page(s);
  EXPECT_THAT(text, Not(HasSubstr("s3cret")));
  EXPECT_THAT(text, Not(HasSubstr(test::base64(pair.key).substr(0, 20))));
  const YAML::Node pools = YAML::Load(text)["pools"];
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(pools[name]["password"].Scalar(), "<secret>") << name;
  }
  EXPECT_EQ(pools["a"]["ssl_key"].Scalar(), "<secret>");
  EXPECT_EQ(pools["a"]["ssl_ca"].Scalar(), "<given>");
}

TEST(ConfigPageTest, ValuesOfAnyKindAreReadAsTheyWere) {
  const std::string path = "/a b: #'\"\n\tä";
  const Settings s = load({}, {"--web.config.file=" + path});
  const YAML::Node page = YAML::Load(config_page(s));
  EXPECT_EQ(page["web"]["config"]["file"].Scalar(), path);
  EXPECT_EQ(page["pools"]["default"]["pool_max"].Scalar(), "10");
}

TEST(ConfigPageTest, ShowsCustomProbesWithoutWhatTheySendAndExpect) {
  const Settings s = loaded(with_pool(
      "    custom_probes:\n      lag: {sql: \"SELECT 's3cret', $1 AS v\",\n"
      "        parameters: [s3cret], expect: {v: s3cret}, rows: {max: 9},\n"
      "        role: standby, labels: [who], values: {w: {min: -1.5}},\n"
      "        interval: 30s}\n"));
  const std::string text = config_page(s);
  EXPECT_THAT(text, Not(HasSubstr("s3cret")));
  const YAML::Node lag = YAML::Load(
      text)["pools"][s.pools[0].options.name]["custom_probes"]["lag"];
  EXPECT_EQ(lag["sql"].Scalar(), "24 bytes of SQL");
  EXPECT_EQ(lag["parameters"][0].Scalar(), "<secret>");
  EXPECT_EQ(lag["expect"]["v"].Scalar(), "<secret>");
  EXPECT_EQ(lag["rows"]["max"].Scalar(), "9");
  EXPECT_EQ(lag["role"].Scalar(), "standby");
  EXPECT_EQ(lag["labels"][0].Scalar(), "who");
  EXPECT_EQ(lag["values"]["w"]["min"].Scalar(), "-1.5");
  EXPECT_EQ(lag["interval"].Scalar(), "30s");
  EXPECT_EQ(lag["timeout"].Scalar(), "5s");
}

// Of what is one value in a line: all but mappings.
std::vector<std::string> lines_without_a_source(const std::string& page) {
  std::vector<std::string> bare;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.ends_with(':') && line.find("  # ") == std::string::npos) {
      bare.push_back(line);
    }
  }
  return bare;
}

TEST(ConfigPageTest, EachValueHasItsSource) {
  const Settings s = loaded(
      "profile: production\n" +
          with_pool("    password: s3cret\n    ssl_ca: ${CA}\n"
                    "    custom_probes:\n      lag: {sql: SELECT 1,\n"
                    "        parameters: [s3cret], expect: {v: s3cret},\n"
                    "        rows: {max: 9}, role: standby, labels: [who],\n"
                    "        values: {w: {min: -1.5}}, timeout: 5s}\n") +
          "modules:\n  fleet:\n    user: exporter\n    password: s3cret\n"
          "    targets: {hosts: [a], allow_loopback: false}\n"
          "    keep: 5m\n    ssl: false\n"
          "    custom_probes: {age: {sql: SELECT 1, timeout: 1s}}\n",
      {{"CA", test::base64(test::CertificateAuthority("a CA").certificate())}});
  const std::string text = config_page(s);
  EXPECT_THAT(lines_without_a_source(text), IsEmpty());
  for (const char* line : {
           "profile: production  # configuration\n",
           "orders?sslmode=verify-full  # configuration; sslmode: ",
           "    password: <secret>  # configuration\n",
           "    ssl_ca: <given>  # configuration\n",
           "    pool_max: 20  # default\n",
           "        interval: 15s  # default\n",
           "        timeout: 5s  # configuration\n",
           "    user: exporter  # configuration\n",
           "    database: exporter  # default\n",
           "      hosts: [a]  # configuration\n",
           "      networks: []  # default\n",
           "      allow_loopback: false  # configuration\n",
           "      allow_link_local: false  # default\n",
           "    keep: 5m  # configuration\n",
           "    timeout: 10s  # default\n",
           "    probes: [connect, server]  # default\n",
       }) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(ConfigPageTest, ADatabaseOfTheEnvironmentHasThatForItsSource) {
  const Settings s =
      loaded(with_pool("    password: other\n"),
             {{"DATABASE_URL", "postgres://app:s3cret@one/d?sslmode=require"}});
  EXPECT_THAT(config_page(s),
              AllOf(HasSubstr("one:5432/d?sslmode=require  # environment; "
                              "sslmode: DATABASE_URL\n"),
                    HasSubstr("password: <secret>  # environment\n")));
}

TEST(ConfigRouteTest, AnswersWithWhatIsInForceNow) {
  std::string text = "a: 1\n";
  const Route route = config_route([&text] { return text; });
  EXPECT_EQ(route.path, "/config");
  EXPECT_EQ(route.method, "GET");
  text = "a: 2\n";
  const Response response =
      route.handler({.method = "GET", .path = "/config", .query = ""});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "a: 2\n");
  EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
}

}  // namespace
}  // namespace dbpool::exporter
