// YAML files of settings: bounded, one document, their mappings with a fixed
// set of keys, read strictly.
#ifndef DBPOOL_EXPORTER_SETTINGS_YAML_MAPPING_H_
#define DBPOOL_EXPORTER_SETTINGS_YAML_MAPPING_H_

#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace dbpool::exporter {

// Bytes of a file: yaml-cpp takes some hundred times as much memory, and keeps
// it.
inline constexpr std::size_t kLargestYaml = 64UL * 1024;

// A mistake in a file. Thrown to read_yaml(), which tells it.
struct YamlMistake {
  int line = 0;  // from 1; 0: of the whole file
  std::string text;
};

[[noreturn]] void refuse_yaml(int line, std::string text);

// Calls `take` with the root of `text`, a null node where it is empty; `take`
// may throw YamlMistake. The error is one line that names `path` and the line:
// no YAML, more than 64 KiB, several documents, nested more
// than 32 levels deep, not UTF-8, or what `take` refused.
tl::expected<void, std::string> read_yaml(
    const std::string& text, const std::string& path,
    const std::function<void(const YAML::Node&)>& take);

// From 1.
int yaml_line(const YAML::Node& node);

// All functions throw YamlMistake, which holds no value: it may be a secret.
// A value of null counts as not given.
class YamlMapping {
 public:
  // `name` is that of the mapping, for messages; empty: the whole file.
  // Refuses what is no mapping, a key that is not in `known`, which may be
  // empty for any, and a key given twice.
  YamlMapping(const YAML::Node& node, std::string_view name,
              const std::vector<std::string>& known);

  bool has(std::string_view key) const;
  // Of the value; 0 when it is not given.
  int line(std::string_view key) const;
  std::string text(std::string_view key) const;  // "" when it is not given
  bool boolean(std::string_view key, bool otherwise) const;
  // All together no longer than a file: aliases can repeat a text.
  std::vector<std::string> texts(std::string_view key) const;
  YamlMapping mapping(std::string_view key,
                      const std::vector<std::string>& known) const;
  // In the order of the file.
  std::vector<std::string> keys() const;
  // Of what is given down to the third level: "targets.hosts".
  std::set<std::string, std::less<>> paths() const;

 private:
  void check_key(const YAML::Node& key,
                 const std::vector<std::string>& known) const;
  const YAML::Node* find(std::string_view key) const;

  std::string prefix_;
  std::vector<std::pair<std::string, YAML::Node>> entries_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_YAML_MAPPING_H_
