#include <algorithm>
#include <set>
#include <utility>

#include "exporter/build_info.h"
#include "exporter/settings/apply.h"
#include "exporter/settings/checks.h"
#include "exporter/settings/config_file.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/help.h"
#include "exporter/settings/module_file.h"
#include "exporter/settings/nearest.h"
#include "exporter/settings/pool_database.h"
#include "exporter/settings/refused_value.h"
#include "exporter/settings/secret_files.h"
#include "exporter/settings/settings.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

namespace {

// What NODE_ENV says that is no profile, for example "prod"; the start of one
// means it.
std::string unknown_profile(std::string_view given) {
  const std::vector<std::string> known = {"production", "development"};
  auto meant = nearest(given, known);
  for (const std::string& name : known) {
    if (name.starts_with(given)) meant = name;
  }
  return "NODE_ENV=" + shown_value(given) +
         " is no profile, and counts as development; expected production or "
         "development" +
         (meant ? " (the nearest is " + *meant + ")" : "");
}

// Flags and variables are of every pool, and so are their mistakes.
std::vector<std::string> without_repeats(const std::vector<std::string>& all) {
  std::vector<std::string> once;
  std::set<std::string_view> seen;
  for (const std::string& line : all) {
    if (seen.insert(line).second) once.push_back(line);
  }
  return once;
}

Environment without_databases(Environment environment) {
  for (const SecretSetting& secret : kSecretSettings) {
    if (secret.variable.empty()) continue;
    environment.erase(std::string(secret.variable));
    environment.erase(std::string(secret.variable) + "_FILE");
  }
  return environment;
}

// A target's connections last from one /probe to the next.
void fit_to_targets(const ModuleOptions& module, PoolSettings& pool) {
  PoolOptions& options = pool.options;
  options.max_connections = module.max_connections;
  options.min_connections = 0;
  options.idle_timeout = std::nullopt;
  options.leak_threshold = std::nullopt;
  options.acquire_timeout = module.timeout;
}

// Of the settings that a module has, too, all are told.
bool is_of_pools_alone(const EffectiveSetting& setting) {
  if (setting.name == "DATABASE_URL") return true;
  return std::ranges::any_of(definitions(), [&](const Definition& definition) {
    return definition.key() == setting.name && definition.is_of_pool() &&
           !is_of_module(definition);
  });
}

class Loader {
 public:
  Loader(const std::vector<std::string>& args, const Environment& environment)
      : environment_(environment), flags_(parse_flags(args)) {}

  tl::expected<Settings, EarlyExit> run();

 private:
  void read_file();
  void choose_profile();
  void set_profile(const Given& given);
  void check_pools();
  void take_pool(const PoolSection& section);
  void take_module(const ModuleSection& section);
  void begin_pool(const PoolSection& section);
  void error(std::string line) { errors_.push_back(std::move(line)); }

  // Constant after construction.
  const Environment& environment_;
  const Flags flags_;

  Draft draft_;
  ConfigFile file_;
  bool is_file_good_ = true;
  Source given_;  // by flags and environment, merged
  std::vector<std::string> errors_;
};

tl::expected<Settings, EarlyExit> Loader::run() {
  if (flags_.errors.empty() && flags_.help) {
    return tl::make_unexpected(EarlyExit{0, help_text(), {}});
  }
  if (flags_.errors.empty() && flags_.version) {
    return tl::make_unexpected(EarlyExit{0, version_text(), {}});
  }
  errors_ = flags_.errors;
  // In order of precedence: merge() keeps what an earlier one gave.
  given_ = flags_.source;
  given_.merge(parse_environment(environment_));
  read_file();
  choose_profile();
  draft_.settings.demo = flags_.demo;
  draft_.settings.check_only = flags_.config_check;
  Source of_program = given_;
  of_program.merge(file_.source);
  apply_settings(false, of_program, draft_, errors_);
  check_program(draft_.settings, errors_);
  check_pools();
  for (const PoolSection& section : file_.pools) take_pool(section);
  for (const ModuleSection& section : file_.modules) take_module(section);
  Settings& settings = draft_.settings;
  settings.expanded_variables = std::move(file_.variables);
  for (Notice& notice : unknown_variables(environment_)) {
    settings.notices.push_back(std::move(notice));
  }
  if (!errors_.empty()) {
    return tl::make_unexpected(EarlyExit{2, "", without_repeats(errors_)});
  }
  return std::move(settings);
}

void Loader::read_file() {
  const std::vector<std::string>& paths = flags_.config_file;
  if (paths.empty()) return;
  is_file_good_ = false;
  if (paths.size() > 1) {
    return error("--config.file: given " + std::to_string(paths.size()) +
                 " times; expected it once");
  }
  const std::string path(trim(paths[0]));
  if (path.empty()) return error(refused_value("--config.file", "", "FILE"));
  auto file = read_config_file(path, environment_);
  if (!file) return error(std::move(file.error()));
  file_ = *std::move(file);
  is_file_good_ = true;
  draft_.settings.effective.push_back(
      effective_setting("--config.file", path, "flag"));
}

void Loader::choose_profile() {
  Settings& settings = draft_.settings;
  std::string source = "default";
  const std::string node_env = variable(environment_, "NODE_ENV");
  if (!node_env.empty()) source = "environment";
  if (node_env == "production") {
    settings.profile = Profile::kProduction;
  } else if (!node_env.empty() && node_env != "development" &&
             flags_.profile.empty()) {
    settings.notices.push_back({LogLevel::kWarn, unknown_profile(node_env)});
  }
  if (flags_.profile.size() > 1) {
    error("--profile: given " + std::to_string(flags_.profile.size()) +
          " times; expected it once");
  } else if (flags_.profile.size() == 1) {
    source = "flag";
    set_profile({"--profile", source, {std::string(trim(flags_.profile[0]))}});
  } else if (node_env.empty() && file_.profile) {
    source = file_.profile->source;
    set_profile(*file_.profile);
  }
  settings.effective.push_back(
      effective_setting("--profile", to_string(settings.profile), source));
}

void Loader::set_profile(const Given& given) {
  const std::string& text = given.values[0];
  const Refusal refusal =
      parse_word<Profile>(text,
                          {{"production", Profile::kProduction},
                           {"development", Profile::kDevelopment}},
                          draft_.settings.profile);
  if (!refusal) return;
  error(refused_value(given.name, given.shown.empty() ? text : given.shown[0],
                      *refusal));
}

// What each pool would get is for one alone.
void Loader::check_pools() {
  const bool has_database =
      flags_.demo || !variable(environment_, "DATABASE_URL").empty() ||
      !variable(environment_, "DATABASE_URL_FILE").empty();
  if (file_.pools.empty() && (file_.modules.empty() || has_database)) {
    file_.pools.emplace_back();
  }
  if (file_.pools.size() <= 1) return;
  const std::string many = file_.shown_path + " has " +
                           std::to_string(file_.pools.size()) +
                           " pools; expected ";
  if (flags_.demo) return error("--demo has one pool, and " + many + "none");
  for (const char* name : {"DATABASE_URL", "DATABASE_URL_FILE"}) {
    if (variable(environment_, name).empty()) continue;
    error(std::string(name) + " names one database, and " + many +
          "it unset, or a single pool");
  }
}

void Loader::begin_pool(const PoolSection& section) {
  Draft next;
  next.settings = std::move(draft_.settings);
  draft_ = std::move(next);
  draft_.pool.options.name = section.name;
  draft_.pool.custom_probes = section.custom_probes;
  draft_.pool.keys_in_file = section.keys;
}

void Loader::take_pool(const PoolSection& section) {
  begin_pool(section);
  Source given = given_;
  given.insert(section.source.begin(), section.source.end());
  apply_settings(true, given, draft_, errors_);
  if (is_file_good_) {
    take_database(environment_, section, given, draft_, errors_);
    check_pool(draft_, given, errors_);
  }
  draft_.settings.pools.push_back(std::move(draft_.pool));
}

// Of flags and environment only what libpq itself would take.
void Loader::take_module(const ModuleSection& section) {
  begin_pool(section.pool);
  const Source& given = section.pool.source;
  apply_settings(true, given, draft_, errors_);
  PoolSettings& pool = draft_.pool;
  fit_to_targets(section.options, pool);
  const bool is_demo = std::exchange(draft_.settings.demo, false);
  take_database(without_databases(environment_), section.pool, given, draft_,
                errors_);
  check_pool(draft_, given, errors_);
  draft_.settings.demo = is_demo;
  std::erase_if(pool.effective, is_of_pools_alone);
  draft_.settings.modules.push_back({std::move(pool), section.options});
}

}  // namespace

bool ModuleSettings::asks_like(const ModuleSettings& other) const {
  const PoolSettings& theirs = other.pool;
  return options == other.options && pool.database == theirs.database &&
         pool.options == theirs.options &&
         pool.custom_probes == theirs.custom_probes &&
         pool.log_queries == theirs.log_queries &&
         pool.log_connections == theirs.log_connections;
}

std::string_view to_string(Profile profile) noexcept {
  return profile == Profile::kProduction ? "production" : "development";
}

tl::expected<Settings, EarlyExit> load_settings(
    const std::vector<std::string>& args, const Environment& environment) {
  return Loader(args, environment).run();
}

}  // namespace dbpool::exporter
