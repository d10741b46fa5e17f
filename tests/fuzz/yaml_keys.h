// What a refusal of a YAML file may show.
#ifndef DBPOOL_TESTS_FUZZ_YAML_KEYS_H_
#define DBPOOL_TESTS_FUZZ_YAML_KEYS_H_

#include <yaml-cpp/yaml.h>

#include <string>

#include "tests/fuzz/fuzz.h"

namespace dbpool::fuzz {

inline bool is_in_a_key(const YAML::Node& node, int depth) {
  if (depth > 20) return true;  // an alias of itself
  if (node.IsSequence()) {
    for (const auto& each : node) {
      if (is_in_a_key(each, depth + 1)) return true;
    }
  }
  if (!node.IsMap()) return false;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || has_secret(entry.first.Scalar()) ||
        is_in_a_key(entry.second, depth + 1)) {
      return true;
    }
  }
  return false;
}

// Keys are shown, values are not.
inline bool is_in_values_alone(const std::string& text) {
  try {
    return !is_in_a_key(YAML::Load(text), 0);
  } catch (const YAML::Exception&) {
    return true;
  }
}

// One line that names the file and shows no value.
inline void check_refused_yaml(const std::string& error,
                               const std::string& path,
                               const std::string& text) {
  require_one_line(error);
  require(error.starts_with(path), "a refusal names the file", error);
  if (has_secret(text) && is_in_values_alone(text)) require_no_secret(error);
}

}  // namespace dbpool::fuzz

#endif  // DBPOOL_TESTS_FUZZ_YAML_KEYS_H_
