// Where settings come from: each source maps keys to the texts it gives.
#ifndef DBPOOL_EXPORTER_SETTINGS_SOURCES_H_
#define DBPOOL_EXPORTER_SETTINGS_SOURCES_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/settings/settings.h"

namespace dbpool::exporter {

// What one source gives for one setting.
struct Given {
  std::string name;    // as the user wrote it: "DB_SSL" or "--db.ssl"
  std::string source;  // EffectiveSetting::source
  std::vector<std::string> values;  // trimmed
  // What mistakes show in place of the values, where variables of the
  // environment were put into these; empty: the values.
  std::vector<std::string> shown = {};
  // Variables were put in: what is made of a value may be a secret.
  bool is_expanded = false;
};

// By Definition::key().
using Source = std::map<std::string, Given, std::less<>>;

struct Flags {
  Source source;
  bool help = false;
  bool version = false;
  bool demo = false;
  bool config_check = false;
  std::vector<std::string> profile;      // as often as it was given
  std::vector<std::string> config_file;  // likewise
  std::vector<std::string> errors;       // one line each
};

// `args` without the program's name.
Flags parse_flags(const std::vector<std::string>& args);

// Variables that are empty, or blank, count as not set: what compose files
// and charts make of a value that nobody filled in.
std::string variable(const Environment& environment, std::string_view name);
Source parse_environment(const Environment& environment);

// A warning for each DB_* variable that nobody reads (the first twenty), with
// what is read in its place, or the known name that is near. Values are never
// shown.
std::vector<Notice> unknown_variables(const Environment& environment);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_SOURCES_H_
