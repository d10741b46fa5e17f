// The file of --config.file: the table of settings in YAML.
//
//   profile: production
//   web: {…}  log: {…}  debug: {…}    settings of the program
//   pools:
//     NAME:                           the pool label
//       url | url_file                or host, port, user, database
//       password | password_file
//       ssl_ca, ssl_cert, ssl_key     PEM or base64 of it, or …_file
//       pool_max: 20 …                each setting that is of a pool
//       custom_probes: {NAME: {…}}    see custom_probes_file.h
//   modules:
//     NAME: {…}                       see module_file.h
//
// The keys are those of Definition::file_key(), a mapping for each dot. Paths
// are relative to the file's folder. ${NAME} in a value is the environment's
// variable NAME, $${ is ${. Values are parsed and bounded where those of flags
// and variables are. config.example.yml shows it all. Neither the file nor one
// that it names may be a pipe: it is read again at each reload.
#ifndef DBPOOL_EXPORTER_SETTINGS_CONFIG_FILE_H_
#define DBPOOL_EXPORTER_SETTINGS_CONFIG_FILE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "exporter/settings/secret_files.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

// One of `pools` or `modules`; without any members a pool that the environment
// alone makes.
struct PoolSection {
  std::string kind = "pool";  // or "module", for notices
  std::string name = "default";
  std::string where;  // such as "FILE:7: pools: orders"; empty: no file has it
  Source source;
  // By SecretSetting::name().
  std::map<std::string, SecretWays, std::less<>> secrets;
  // The database as key=value pairs where it came in parts; "" otherwise.
  std::string parts;
  std::vector<CustomProbeOptions> custom_probes;
  std::set<std::string, std::less<>> keys;  // PoolSettings::keys_in_file
};

// One of `modules`. A host that leads nowhere stands for the targets'.
struct ModuleSection {
  PoolSection pool;
  ModuleOptions options;
};

// The names of what it gives are such as "FILE:7: pools: orders: pool_max".
struct ConfigFile {
  std::string shown_path;
  Source source;
  std::optional<Given> profile;
  std::vector<PoolSection> pools;
  std::vector<ModuleSection> modules;
  std::vector<std::string> variables;  // those put into values
};

// `path` stands in messages, and paths in the file are relative to its folder.
// The error is one line that names file, line and key, and shows what stands
// there unless it may be a secret. Reads no other file.
tl::expected<ConfigFile, std::string> parse_config_file(
    const std::string& text, const std::string& path,
    const Environment& environment);

// The same, of the file at `path`.
tl::expected<ConfigFile, std::string> read_config_file(
    const std::string& path, const Environment& environment);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_CONFIG_FILE_H_
