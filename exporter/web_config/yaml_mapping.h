// YamlMapping: a mapping of a YAML file with a fixed set of keys, read
// strictly.
#ifndef DBPOOL_EXPORTER_WEB_CONFIG_YAML_MAPPING_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_YAML_MAPPING_H_

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dbpool::exporter {

// A mistake in a file. Thrown and caught within this folder only.
struct YamlMistake {
  int line = 0;  // from 1; 0: of the whole file
  std::string text;
};

[[noreturn]] void refuse_yaml(int line, std::string text);

// From 1.
int yaml_line(const YAML::Node& node);

// The one document of a file; nothing if there is none. Throws YAML::Exception
// where the text is no YAML, and YamlMistake for more than one document and for
// one that is nested too deep.
std::optional<YAML::Node> load_yaml(const std::string& text);

// All functions throw YamlMistake. A value of null counts as not given.
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
  std::vector<std::string> texts(std::string_view key) const;
  YamlMapping mapping(std::string_view key,
                      const std::vector<std::string>& known) const;
  // In the order of the file.
  std::vector<std::string> keys() const;

 private:
  void check_key(const YAML::Node& key,
                 const std::vector<std::string>& known) const;
  const YAML::Node* find(std::string_view key) const;

  std::string prefix_;
  std::vector<std::pair<std::string, YAML::Node>> entries_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_YAML_MAPPING_H_
