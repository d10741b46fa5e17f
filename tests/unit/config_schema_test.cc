// What is in the repository for those who write configuration files: the
// example and the schema, against each other and the table of settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>

#include "exporter/settings/definitions.h"
#include "exporter/settings/module_file.h"
#include "tests/unit/config_file_fixture.h"

namespace dbpool::exporter {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using namespace settings_test;  // NOLINT(google-build-using-namespace)

const std::string kFolder = DBPOOL_SETTINGS_FOLDER;

json schema() {
  std::ifstream file(kFolder + "/config.schema.json");
  return json::parse(file);
}

json schema_of_pools() {
  return schema().at("properties").at("pools").at("additionalProperties");
}

// The value of a plain scalar is the one that YAML's core schema has for it.
std::string type_of(const YAML::Node& node) {
  if (node.IsMap()) return "object";
  if (node.IsSequence()) return "array";
  if (node.IsNull()) return "null";
  if (node.Tag() == "!") return "string";
  bool truth = false;
  if (YAML::convert<bool>::decode(node, truth)) return "boolean";
  double number = 0;
  return YAML::convert<double>::decode(node, number) ? "number" : "string";
}

bool has(const json& list, const std::string& text) {
  return std::any_of(list.begin(), list.end(),
                     [&text](const json& each) { return each == text; });
}

// Where `node` is not what `rules` say, of the keywords that the schema uses.
std::vector<std::string> misfits(const YAML::Node& node, const json& rules,
                                 const std::string& at) {
  std::vector<std::string> found;
  const auto refuse = [&](const std::string& why) {
    found.push_back(at + ": " + why);
  };
  const auto add = [&](const std::vector<std::string>& inner) {
    found.insert(found.end(), inner.begin(), inner.end());
  };
  const std::string type = type_of(node);
  const json types = rules.value("type", json(type));
  if (types != type && !has(types, type)) {
    refuse("is a " + type);
  }
  if (rules.contains("enum") && !has(rules["enum"], node.Scalar())) {
    refuse("is none of those that are accepted");
  }
  if (node.IsSequence() && rules.contains("items")) {
    for (const YAML::Node& item : node) add(misfits(item, rules["items"], at));
  }
  if (!node.IsMap()) return found;
  for (const auto& entry : node) {
    const std::string key = entry.first.Scalar();
    const std::string inner = at + "." + key;
    const json known = rules.value("properties", json::object());
    const json others = rules.value("additionalProperties", json(true));
    if (rules.contains("propertyNames") &&
        !std::regex_match(
            key,
            std::regex(rules["propertyNames"]["pattern"].get<std::string>()))) {
      refuse(key + " is no name");
    }
    if (known.contains(key)) {
      add(misfits(entry.second, known[key], inner));
    } else if (others.is_object()) {
      add(misfits(entry.second, others, inner));
    } else if (others == false) {
      refuse(key + " is unknown");
    }
  }
  return found;
}

// The leaves of `rules`, with a dot for each mapping, and what they mean.
void collect(const json& rules, const std::string& prefix,
             std::map<std::string, std::string>& leaves) {
  for (const auto& [name, inner] : rules.at("properties").items()) {
    if (inner.contains("properties")) {
      collect(inner, prefix + name + ".", leaves);
    } else {
      leaves[prefix + name] = inner.value("description", "");
    }
  }
}

std::map<std::string, std::string> leaves_of(const json& rules) {
  std::map<std::string, std::string> leaves;
  collect(rules, "", leaves);
  return leaves;
}

TEST(ConfigSchemaTest, HasTheSettingsOfTheTableWithTheirMeaning) {
  auto top = leaves_of(schema());
  auto pool = leaves_of(schema_of_pools());
  for (const Definition& definition : definitions()) {
    auto& leaves = definition.is_of_pool() ? pool : top;
    const auto found = leaves.find(definition.file_key());
    ASSERT_NE(found, leaves.end()) << definition.file_key();
    EXPECT_EQ(found->second, definition.meaning);
    leaves.erase(found);
  }
  for (const char* key : {"profile", "pools", "modules"}) {
    EXPECT_EQ(top.erase(key), 1U) << key;
  }
  for (const char* key :
       {"host", "port", "user", "database", "custom_probes"}) {
    EXPECT_EQ(pool.erase(key), 1U) << key;
  }
  for (const std::string key :
       {"url", "password", "ssl_ca", "ssl_cert", "ssl_key"}) {
    EXPECT_EQ(pool.erase(key), 1U) << key;
    EXPECT_EQ(pool.erase(key + "_file"), 1U) << key;
  }
  EXPECT_THAT(top, IsEmpty());
  EXPECT_THAT(pool, IsEmpty());
}

TEST(ConfigSchemaTest, HasTheKeysOfModulesWithTheirMeaning) {
  const json rules = schema().at("properties").at("modules");
  const json module = rules.at("additionalProperties").at("properties");
  for (const std::string& key : module_keys()) {
    EXPECT_TRUE(module.contains(key)) << key;
  }
  for (const Definition& definition : definitions()) {
    const std::string key = definition.file_key();
    if (!definition.is_of_pool()) continue;
    ASSERT_EQ(module.contains(key), is_of_module(definition)) << key;
    if (!module.contains(key)) continue;
    EXPECT_EQ(module.at(key).at("description"), definition.meaning);
  }
}

TEST(ConfigSchemaTest, TakesTheExample) {
  const YAML::Node example = YAML::LoadFile(kFolder + "/config.example.yml");
  EXPECT_THAT(misfits(example, schema(), ""), IsEmpty());
}

TEST(ConfigSchemaTest, RefusesWhatTheProgramRefuses) {
  for (const std::string& text :
       {std::string("pool: {}\n"), with_pool("    pool_mx: 3\n"),
        with_pool("    pool_max: [1]\n"), with_pool("    probe: often\n"),
        with_pool("    workload: {sql: SELECT 1}\n"),
        std::string("pools: {'a b': {}}\n"), std::string("profile: prod\n"),
        std::string("pools: [a]\n"),
        std::string("modules: {a: {user: a, targets: [b]}}\n"),
        std::string("modules: {a: {user: a, host: b}}\n"),
        std::string("modules: {'a b': {}}\n")}) {
    EXPECT_THAT(misfits(YAML::Load(text), schema(), ""),
                testing::Not(IsEmpty()))
        << text;
    EXPECT_NE(mistake(text, {{"DATABASE_URL", kUrl}}), "");
  }
}

TEST(ConfigExampleTest, IsGoodAndHoldsTheProductionDefaults) {
  const std::string path = kFolder + "/config.example.yml";
  const auto s =
      load_settings({"--config.file=" + path},
                    {{"ORDERS_PASSWORD", "x"}, {"REPORTS_PASSWORD", "y"}});
  ASSERT_TRUE(s) << testing::PrintToString(s.error().errors);
  EXPECT_THAT(s->pools, SizeIs(2));
  const Settings plain = load({{"NODE_ENV", "production"}});
  auto defaults = plain.effective;
  defaults.insert(defaults.end(), plain.pools[0].effective.begin(),
                  plain.pools[0].effective.end());
  for (const EffectiveSetting& setting : defaults) {
    if (setting.source != "default") continue;
    const std::string here = effective(*s, setting.name);
    EXPECT_TRUE(here == setting.value + " by configuration" ||
                here.find("bytes of SQL by configuration") !=
                    std::string::npos ||
                setting.name.starts_with("--workload."))
        << setting.name << ": " << here;
  }
}

// Commented out or not.
TEST(ConfigExampleTest, HasEachSetting) {
  std::ostringstream text;
  text << std::ifstream(kFolder + "/config.example.yml").rdbuf();
  for (const Definition& definition : definitions()) {
    const std::string key = definition.file_key();
    EXPECT_THAT(text.str(), HasSubstr(key.substr(key.rfind('.') + 1) + ":"));
  }
}

}  // namespace
}  // namespace dbpool::exporter
