// What a refusal of a YAML file may show.
#ifndef DBPOOL_TESTS_FUZZ_YAML_KEYS_H_
#define DBPOOL_TESTS_FUZZ_YAML_KEYS_H_

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/fuzz.h"

namespace dbpool::fuzz {

// Keys are shown, and the values of these.
using ShownKeys = std::vector<std::string_view>;

inline bool may_be_shown(const YAML::Node& node, const ShownKeys& keys,
                         bool is_shown = false, int depth = 0) {
  if (depth > 20) return true;  // an alias of itself
  if (node.IsScalar()) return is_shown && has_secret(node.Scalar());
  if (node.IsSequence()) {
    for (const auto& each : node) {
      if (may_be_shown(each, keys, is_shown, depth + 1)) return true;
    }
  }
  if (!node.IsMap()) return false;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || has_secret(entry.first.Scalar())) {
      return true;
    }
    const bool is_known =
        std::ranges::find(keys, entry.first.Scalar()) != keys.end();
    if (may_be_shown(entry.second, keys, is_shown || is_known, depth + 1)) {
      return true;
    }
  }
  return false;
}

inline bool is_hidden(const std::string& text, const ShownKeys& keys) {
  try {
    return !may_be_shown(YAML::Load(text), keys);
  } catch (const YAML::Exception&) {
    return true;
  }
}

// One line that names the file and shows no other value.
inline void check_refused_yaml(const std::string& error,
                               const std::string& path, const std::string& text,
                               const ShownKeys& keys = {}) {
  require_one_line(error);
  require(error.starts_with(path), "a refusal names the file", error);
  if (has_secret(text) && is_hidden(text, keys)) require_no_secret(error);
}

}  // namespace dbpool::fuzz

#endif  // DBPOOL_TESTS_FUZZ_YAML_KEYS_H_
