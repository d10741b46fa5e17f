#include "exporter/settings/config_file.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/ascii.h"
#include "exporter/base/bounded_file.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/custom_probes_file.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/module_file.h"
#include "exporter/settings/parsers.h"
#include "exporter/settings/refused_value.h"
#include "exporter/settings/variable_expander.h"
#include "exporter/settings/yaml_mapping.h"

namespace dbpool::exporter {

namespace {

using Names = std::vector<std::string>;

// Each has threads and connections of its own.
constexpr std::size_t kMostPools = 100;
constexpr std::size_t kMostModules = 100;
constexpr std::size_t kLongestName = 60;
constexpr std::size_t kShownPath = 200;

struct Part {
  std::string_view key, keyword;  // as libpq calls it
};
constexpr std::array kParts = {Part{"host", "host"}, Part{"port", "port"},
                               Part{"user", "user"},
                               Part{"database", "dbname"}};

bool is_pool_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::ranges::all_of(name, [](char c) {
           return is_name_char(c) || c == '-' || c == '.';
         });
}

// As a value of a connection string: in quotes, these escaped.
std::string conninfo_value(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

// As it is, where that is one line.
std::string shown_path(const std::string& path) {
  const std::string safe = redact(to_utf8(path));
  std::string start(utf8_prefix(safe, kShownPath));
  const bool is_plain = std::ranges::none_of(
      start, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
  return is_plain ? start : in_quotes(start);
}

// What may stand behind `prefix`, which is empty or ends with a dot.
Names known_keys(const std::string& prefix, bool of_pool) {
  Names known;
  for (const Definition& definition : definitions()) {
    const std::string key = definition.file_key();
    if (definition.is_of_pool() != of_pool || !key.starts_with(prefix)) {
      continue;
    }
    const std::size_t from = prefix.size();
    std::string name = key.substr(from, key.find('.', from) - from);
    if (std::ranges::find(known, name) == known.end()) {
      known.push_back(std::move(name));
    }
  }
  return known;
}

Names keys_of_pool() {
  Names keys = known_keys("", true);
  for (const SecretSetting& secret : kSecretSettings) {
    keys.emplace_back(secret.key);
    keys.push_back(std::string(secret.key) + "_file");
  }
  for (const Part& part : kParts) keys.emplace_back(part.key);
  keys.emplace_back("custom_probes");
  return keys;
}

Names keys_of_module() {
  Names keys = module_keys();
  for (const SecretSetting& secret : kSecretSettings) {
    if (secret.key == "url") continue;
    keys.emplace_back(secret.key);
    keys.push_back(std::string(secret.key) + "_file");
  }
  keys.insert(keys.end(), {"user", "database", "custom_probes"});
  return keys;
}

const Definition* definition_of(const std::string& file_key, bool of_pool) {
  for (const Definition& definition : definitions()) {
    if (definition.is_of_pool() == of_pool &&
        definition.file_key() == file_key) {
      return &definition;
    }
  }
  return nullptr;
}

class Reader {
 public:
  Reader(const std::string& path, const Environment& environment)
      : folder_(std::filesystem::path(path).parent_path()),
        expander_(environment) {
    file_.shown_path = shown_path(path);
  }

  ConfigFile read(const YAML::Node& root);

 private:
  void take_settings(const YamlMapping& at, const std::string& where,
                     const std::string& prefix, PoolSection* pool);
  void take_setting(const Definition& definition, const YamlMapping& at,
                    const std::string& key, const std::string& where,
                    Source& source);
  Given given(const YamlMapping& at, const std::string& key,
              const std::string& where, const Names& texts);
  // The entries of `pools` or `modules`, by their names.
  using TakeEntry =
      std::function<void(const YamlMapping& at, PoolSection section)>;
  void take_entries(const YamlMapping& top, const std::string& key,
                    std::size_t most, const Names& keys, const TakeEntry& take);
  void take_pool(const YamlMapping& at, PoolSection& pool);
  ExpandText expander() {
    return [this](const std::string& text, int line, const std::string& name) {
      return expander_.expand(text, line, name);
    };
  }
  void take_secrets(const YamlMapping& at, const std::string& where,
                    PoolSection& pool);
  void take_parts(const YamlMapping& at, const std::string& where,
                  PoolSection& pool);
  std::string name_of(int line, std::string_view where,
                      std::string_view key) const {
    std::string name = file_.shown_path + ":" + std::to_string(line) + ": ";
    return name.append(where).append(key);
  }
  std::string value(const YamlMapping& at, const std::string& key,
                    const std::string& where);
  std::string in_folder(const std::string& path) const;

  const std::filesystem::path folder_;
  VariableExpander expander_;
  ConfigFile file_;
};

ConfigFile Reader::read(const YAML::Node& root) {
  Names known = known_keys("", false);
  known.insert(known.end(), {"profile", "pools", "modules"});
  const YamlMapping top(root, "", known);
  if (top.has("profile")) {
    file_.profile = given(top, "profile", "", {top.text("profile")});
  }
  take_settings(top, "", "", nullptr);
  take_entries(top, "pools", kMostPools, keys_of_pool(),
               [this](const YamlMapping& at, PoolSection section) {
                 take_pool(at, section);
                 section.keys = at.paths();
                 file_.pools.push_back(std::move(section));
               });
  take_entries(top, "modules", kMostModules, keys_of_module(),
               [this](const YamlMapping& at, PoolSection section) {
                 section.kind = "module";
                 section.parts = "host=" + std::string(kNoTarget);
                 take_pool(at, section);
                 ModuleOptions options = read_module_options(
                     at, "modules: " + section.name + ": ", expander());
                 section.keys = at.paths();
                 file_.modules.push_back({std::move(section), options});
               });
  file_.variables = expander_.used();
  return std::move(file_);
}

// `where` is empty or ends with ": ". Without a pool those of the program.
void Reader::take_settings(const YamlMapping& at, const std::string& where,
                           const std::string& prefix, PoolSection* pool) {
  const bool of_pool = pool != nullptr;
  Source& source = of_pool ? pool->source : file_.source;
  for (const std::string& key : at.keys()) {
    const std::string full = prefix + key;
    if (const Definition* definition = definition_of(full, of_pool)) {
      take_setting(*definition, at, key, where, source);
      continue;
    }
    const Names known = known_keys(full + ".", of_pool);
    if (known.empty()) continue;  // no setting of the table
    take_settings(at.mapping(key, known), where + key + ": ", full + ".", pool);
  }
}

void Reader::take_setting(const Definition& definition, const YamlMapping& at,
                          const std::string& key, const std::string& where,
                          Source& source) {
  if (!at.has(key)) return;
  Given taken =
      given(at, key, where,
            definition.repeatable ? at.texts(key) : Names{at.text(key)});
  if (taken.values.empty()) return;
  if (definition.value.starts_with("FILE")) {
    for (std::string& path : taken.values) path = in_folder(path);
  }
  source[std::string(definition.key())] = std::move(taken);
}

Given Reader::given(const YamlMapping& at, const std::string& key,
                    const std::string& where, const Names& texts) {
  const int line = at.line(key);
  Given result{name_of(line, where, key), "configuration", {}};
  for (const std::string& text : texts) {
    result.is_expanded = result.is_expanded || has_variable(text);
    result.values.push_back(expander_.expand(text, line, where + key));
  }
  result.shown = texts;
  return result;
}

void Reader::take_entries(const YamlMapping& top, const std::string& key,
                          std::size_t most, const Names& keys,
                          const TakeEntry& take) {
  const YamlMapping entries = top.mapping(key, {});
  const Names names = entries.keys();
  if (names.size() > most) {
    refuse_yaml(top.line(key), key + ": " + std::to_string(names.size()) + " " +
                                   key + "; expected at most " +
                                   std::to_string(most));
  }
  const std::string prefix = key + ": ";
  for (const std::string& name : names) {
    const int line = std::max(entries.line(name), top.line(key));
    if (!is_pool_name(name)) {
      refuse_yaml(line, key + ": " + shown_value(name) +
                            " is no name; expected up to 60 letters, digits, "
                            "'_', '-' and '.'");
    }
    PoolSection section;
    section.name = name;
    section.where = name_of(line, prefix + name, "");
    take(entries.mapping(name, keys), std::move(section));
  }
}

void Reader::take_pool(const YamlMapping& at, PoolSection& pool) {
  const std::string where = pool.kind + "s: " + pool.name + ": ";
  take_settings(at, where, "", &pool);
  take_secrets(at, where, pool);
  take_parts(at, where, pool);
  pool.custom_probes = read_custom_probes(at, where, expander());
}

void Reader::take_secrets(const YamlMapping& at, const std::string& where,
                          PoolSection& pool) {
  for (const SecretSetting& secret : kSecretSettings) {
    const std::string key(secret.key);
    const std::string file_key = key + "_file";
    if (!at.has(key) && !at.has(file_key)) continue;
    SecretWays& ways = pool.secrets[std::string(secret.name())];
    ways.name = name_of(at.line(key), where, key);
    ways.value =
        expander_.expand_secret(at.text(key), at.line(key), where + key);
    ways.is_expanded = has_variable(at.text(key));
    ways.file_name = name_of(at.line(file_key), where, file_key);
    const std::string path = at.text(file_key);
    ways.path = in_folder(
        expander_.expand_secret(path, at.line(file_key), where + file_key));
    // As it stands in the file: a variable's value may be a secret.
    const bool is_shown_whole =
        !has_variable(path) && !path_to_show(path).empty();
    ways.shown_path = is_shown_whole ? ways.path : path;
    ways.for_path = file_key;
    ways.pipes = Pipes::kRefuse;
  }
}

void Reader::take_parts(const YamlMapping& at, const std::string& where,
                        PoolSection& pool) {
  const bool has_url = pool.secrets.contains("DATABASE_URL");
  for (const Part& part : kParts) {
    const std::string key(part.key);
    const std::string text = value(at, key, where);
    if (text.empty()) continue;
    if (has_url) {
      refuse_yaml(at.line(key), where + key +
                                    " contradicts the pool's url; expected "
                                    "one of them");
    }
    pool.parts += (pool.parts.empty() ? "" : " ") + std::string(part.keyword) +
                  "=" + conninfo_value(text);
  }
  if (pool.secrets.contains("password") && !has_url && pool.parts.empty()) {
    refuse_yaml(std::max(at.line("password"), at.line("password_file")),
                where +
                    "a password alone; expected url, or host, port, user "
                    "and database, beside it");
  }
}

std::string Reader::value(const YamlMapping& at, const std::string& key,
                          const std::string& where) {
  return expander_.expand(at.text(key), at.line(key), where + key);
}

std::string Reader::in_folder(const std::string& path) const {
  // Of a script that needs no file.
  if (path.empty() || path.starts_with("builtin:")) return path;
  return (folder_ / path).string();
}

}  // namespace

tl::expected<ConfigFile, std::string> parse_config_file(
    const std::string& text, const std::string& path,
    const Environment& environment) {
  ConfigFile file;
  auto done = read_yaml(text, shown_path(path), [&](const YAML::Node& root) {
    file = Reader(path, environment).read(root);
  });
  if (!done) return tl::make_unexpected(std::move(done.error()));
  return file;
}

tl::expected<ConfigFile, std::string> read_config_file(
    const std::string& path, const Environment& environment) {
  // One byte more than what is taken, so that it can be told.
  const auto text = read_start_of(path, kLargestYaml + 1, Pipes::kRefuse);
  if (text) return parse_config_file(*text, path, environment);
  return tl::make_unexpected(
      "--config.file=" + in_quotes(redact(to_utf8(path))) + ": " +
      text.error() + "; expected the path of a file that can be read");
}

}  // namespace dbpool::exporter
