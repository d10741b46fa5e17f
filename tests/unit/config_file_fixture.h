// Settings from files in tests.
#ifndef DBPOOL_TESTS_UNIT_CONFIG_FILE_FIXTURE_H_
#define DBPOOL_TESTS_UNIT_CONFIG_FILE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <utility>

#include "tests/support/temp_dir.h"
#include "tests/unit/settings_fixture.h"

namespace dbpool::exporter::settings_test {

// A folder with the file pools.yml of `text`.
struct ConfigFolder {
  explicit ConfigFolder(const std::string& text) { write("pools.yml", text); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(dir.path() + "/" + name) << text;
  }
  std::string flag() const {
    return "--config.file=" + dir.path() + "/pools.yml";
  }
  tl::expected<Settings, EarlyExit> load(const Environment& environment = {},
                                         const Args& more = {}) const {
    Args args = {flag()};
    args.insert(args.end(), more.begin(), more.end());
    return load_settings(args, environment);
  }

  test::TempDir dir;
};

inline Settings loaded(const std::string& text,
                       const Environment& environment = {},
                       const Args& more = {}) {
  auto settings = ConfigFolder(text).load(environment, more);
  if (settings) return *std::move(settings);
  ADD_FAILURE() << testing::PrintToString(settings.error().errors);
  Settings none;
  none.pools.emplace_back();
  return none;
}

// The one line of a start that must fail, from the file's name on.
inline std::string mistake(const std::string& text,
                           const Environment& environment = {},
                           const Args& more = {}) {
  const auto settings = ConfigFolder(text).load(environment, more);
  if (settings) {
    ADD_FAILURE() << "it was accepted: " << text.substr(0, 200);
    return "";
  }
  EXPECT_EQ(settings.error().code, 2);
  EXPECT_EQ(settings.error().errors.size(), 1U)
      << testing::PrintToString(settings.error().errors);
  std::string line = settings.error().errors.front();
  EXPECT_THAT(line, testing::Not(testing::HasSubstr("\n")));
  EXPECT_LT(line.size(), 2000U);
  const auto at = line.find("pools.yml");
  return at == std::string::npos ? line : line.substr(at);
}

// A file whose one pool has `more`, from line 4 on.
inline std::string with_pool(const std::string& more) {
  return "pools:\n  orders:\n    url: postgres://app@db.example/orders\n" +
         more;
}

// Two pools, `more` in the second from line 6 on.
inline std::string with_two_pools(const std::string& more = "") {
  return "pools:\n  a:\n    url: postgres://app@one/orders\n"
         "  b:\n    url: postgres://app@two/orders\n" +
         more;
}

}  // namespace dbpool::exporter::settings_test

#endif  // DBPOOL_TESTS_UNIT_CONFIG_FILE_FIXTURE_H_
