// Settings: all that the program was told, as one validated value.
//
// Each setting comes from the first of: flag, environment, configuration file,
// profile default. definitions.cc has the table of them all.
//
// Thread-safety: plain values.
#ifndef DBPOOL_EXPORTER_SETTINGS_SETTINGS_H_
#define DBPOOL_EXPORTER_SETTINGS_SETTINGS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "dbpool/connect.h"
#include "dbpool/options.h"
#include "exporter/http/listen_address.h"
#include "exporter/logging/logger.h"
#include "exporter/probes/custom_probe_options.h"
#include "exporter/targets/module_options.h"
#include "exporter/workload/options.h"

namespace dbpool::exporter {

enum class Profile : std::uint8_t { kDevelopment, kProduction };
std::string_view to_string(Profile profile) noexcept;

struct ProbeSetting {
  std::optional<Duration> interval;  // nullopt: off
  Duration timeout{0};

  bool operator==(const ProbeSetting&) const = default;
};

struct ProbeSettings {
  ProbeSetting connect, select, server;
  std::string select_sql;

  bool operator==(const ProbeSettings&) const = default;
};

struct DiagnosisSettings {
  std::optional<Duration> threshold;  // nullopt: no report unless asked for
  Duration timeout{0};

  bool operator==(const DiagnosisSettings&) const = default;
};

// One setting as it is in force, for logs. Never a secret.
struct EffectiveSetting {
  std::string name;  // the variable, or the flag of one that has none
  std::string value;
  // "flag", "environment", "file" (that a variable names), "configuration",
  // "default", "derived"
  std::string source;
  std::vector<std::string> list = {};  // each value of a repeatable one
};

// One pool, and all that runs on it and watches it.
struct PoolSettings {
  // With TLS decided and application_name filled in; nullopt only in a demo.
  std::optional<ConnectionString> database;
  PoolOptions options;  // its name, too
  Duration drain_timeout{0};
  bool log_queries = false;
  bool log_connections = false;
  ProbeSettings probes;
  std::vector<CustomProbeOptions> custom_probes;  // valid
  DiagnosisSettings diagnosis;
  std::optional<WorkloadOptions> workload;  // nullopt: none asked for
  std::vector<EffectiveSetting> effective;
  // What its section of the configuration file gives, with a dot for each
  // mapping: "custom_probes.lag.interval".
  std::set<std::string, std::less<>> keys_in_file;
};

// What /probe asks a target with.
struct ModuleSettings {
  // Of each target's pool, but for what the target says: its database leads
  // nowhere until host, hostaddr, port and dbname are set.
  PoolSettings pool;
  ModuleOptions options;

  const std::string& name() const noexcept { return pool.options.name; }
  // Whether a target is asked the same way with both.
  bool asks_like(const ModuleSettings& other) const;
};

struct WebSettings {
  std::vector<ListenAddress> listen;  // not empty, no two the same
  std::string telemetry_path;
  std::uint32_t max_requests = 0;
  bool enable_compression = false;  // of scrapes, in gzip
  bool enable_lifecycle = false;    // POST /-/reload
  std::string config_file;          // of TLS and passwords; empty: neither
};

// To be logged once at the start. Holds no secret.
struct Notice {
  LogLevel level = LogLevel::kInfo;
  std::string text;
};

struct Settings {
  Profile profile = Profile::kDevelopment;
  bool demo = false;
  bool check_only = false;  // --config.check
  bool dumpable = false;  // let the process' memory be seen (--debug.dumpable)
  // No two of one name; not empty unless there are modules.
  std::vector<PoolSettings> pools;
  std::vector<ModuleSettings> modules;  // no two of one name
  WebSettings web;
  LogOptions log;

  std::vector<Notice> notices;
  std::vector<EffectiveSetting> effective;  // those that are of no pool
  // Variables that the configuration file put into its values: may be secrets.
  std::vector<std::string> expanded_variables;
};

// Why the program should end before it began.
struct EarlyExit {
  int code = 0;                     // 0: --help, --version; 2: mistakes
  std::string output;               // for standard output
  std::vector<std::string> errors;  // for standard error: one line each,
                                    // every mistake that was found; no secret
};

using Environment = std::map<std::string, std::string>;
// A copy of `environ`; of names given twice the first counts.
Environment copy_environment(const char* const* environ);

// `args` without the program's name. The same arguments load the settings anew.
// Reads nothing but its arguments, the
// files that --config.file, *_FILE variables, --workload.script, sslrootcert
// and the like name, and whether the system's certificates are there.
tl::expected<Settings, EarlyExit> load_settings(
    const std::vector<std::string>& args, const Environment& environment);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_SETTINGS_H_
