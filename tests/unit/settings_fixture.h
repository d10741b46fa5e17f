// Loading settings in tests.
#ifndef DBPOOL_TESTS_UNIT_SETTINGS_FIXTURE_H_
#define DBPOOL_TESTS_UNIT_SETTINGS_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "exporter/settings/settings.h"

namespace dbpool::exporter::settings_test {

using Args = std::vector<std::string>;

inline const std::string kUrl = "postgres://app@db.example/orders";

inline Environment with_url(Environment environment = {}) {
  environment.emplace("DATABASE_URL", kUrl);
  return environment;
}

inline Settings load(const Environment& environment = {},
                     const Args& args = {}) {
  auto settings = load_settings(args, with_url(environment));
  if (settings) return *std::move(settings);
  ADD_FAILURE() << testing::PrintToString(settings.error().errors);
  return {};
}

// The lines of a start that must fail.
inline std::vector<std::string> mistakes(const Environment& environment,
                                         const Args& args = {}) {
  const auto settings = load_settings(args, with_url(environment));
  if (settings) {
    ADD_FAILURE() << "it was accepted";
    return {};
  }
  EXPECT_EQ(settings.error().code, 2);
  EXPECT_EQ(settings.error().output, "");
  for (const std::string& line : settings.error().errors) {
    EXPECT_THAT(line, testing::Not(testing::HasSubstr("\n")));
    EXPECT_THAT(line, testing::AnyOf(testing::HasSubstr("expected"),
                                     testing::HasSubstr("the nearest known")));
  }
  return settings.error().errors;
}

// Of the program, or of its first pool.
inline std::string effective(const Settings& settings,
                             const std::string& name) {
  for (const auto* all :
       {&settings.effective, &settings.pools.at(0).effective}) {
    for (const EffectiveSetting& setting : *all) {
      if (setting.name == name) return setting.value + " by " + setting.source;
    }
  }
  return "missing";
}

inline std::vector<std::string> notices(const Settings& settings) {
  std::vector<std::string> texts;
  for (const Notice& notice : settings.notices) texts.push_back(notice.text);
  return texts;
}

}  // namespace dbpool::exporter::settings_test

#endif  // DBPOOL_TESTS_UNIT_SETTINGS_FIXTURE_H_
