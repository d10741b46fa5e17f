// The table of settings: names, defaults, meaning, and how each is parsed.
#ifndef DBPOOL_EXPORTER_SETTINGS_DEFINITIONS_H_
#define DBPOOL_EXPORTER_SETTINGS_DEFINITIONS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/settings/parsers.h"
#include "exporter/settings/settings.h"

namespace dbpool::exporter {

// Settings on the way: what needs a look at others before it is settled.
struct Draft {
  Settings settings;
  PoolSettings pool;
  bool ssl = false;
  bool ssl_reject_unauthorized = true;
  std::vector<std::string> workload_sql;
  std::vector<std::string> workload_scripts;
  WorkloadOptions workload;
};

struct Definition {
  std::string_view variable;  // empty: a flag only
  std::string_view flag;
  std::string_view value;  // what stands for the value in --help
  // Parsed like given values; empty: no value.
  std::string_view production;
  std::string_view development;
  std::string_view meaning;
  // Called once for each value of a repeatable one; with an empty text only to
  // learn what is accepted.
  Refusal (*set)(std::string_view text, Draft& draft);
  bool repeatable = false;
  bool bare = false;  // the flag without a value means true

  // How the setting is called in logs.
  std::string_view key() const noexcept {
    return variable.empty() ? flag : variable;
  }
  // Of a pool, not of the whole program.
  bool is_of_pool() const noexcept;
  // Where it stands in a configuration file, in its pool if it is of one:
  // "pool_max", "probe.connect.interval".
  std::string file_key() const;
  // A statement may hold secrets that nothing tells from other text.
  bool is_sql() const noexcept { return value.ends_with("SQL"); }
  std::string_view default_for(Profile profile) const noexcept {
    return profile == Profile::kProduction ? production : development;
  }
};

// In the order of --help.
std::span<const Definition> definitions();

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_DEFINITIONS_H_
