#include <algorithm>
#include <array>
#include <utility>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/build_info.h"
#include "exporter/settings/checks.h"
#include "exporter/settings/database_url.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/nearest.h"
#include "exporter/settings/secret_files.h"
#include "exporter/settings/settings.h"
#include "exporter/settings/sources.h"
#include "exporter/settings/tls.h"
#include "exporter/utf8.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kShownValue = 60;
constexpr std::size_t kShownSetting = 200;

// `text` fit to be shown: bounded, in quotes, no secret.
std::string shown(std::string_view text, std::size_t most = kShownValue) {
  const std::string safe = redact(to_utf8(text));
  const std::string_view start = utf8_prefix(safe, most);
  return in_quotes(std::string(start) +
                   (start.size() < safe.size() ? "…" : ""));
}

// DB_SSL and DB_SSL_REJECT_UNAUTHORIZED are shown where they are given; what
// is in force is sslmode.
bool is_told_by_sslmode(const Definition& definition) {
  return definition.variable.starts_with("DB_SSL");
}

// In words, or as --help has it for what takes any text.
std::string accepted_by(const Definition& definition) {
  Draft nowhere;
  return definition.set("", nowhere).value_or(std::string(definition.value));
}

// Statements by their names, if they have any, and lengths.
std::string shown_sql(const Definition& definition,
                      const std::vector<std::string>& given) {
  const auto size_of = [](const std::string& sql) {
    return std::to_string(sql.size()) + " bytes of SQL";
  };
  if (!definition.repeatable) return size_of(given.front());
  const auto statements = parse_workload_statements(given);
  if (!statements) return "";  // told elsewhere
  std::string shown;
  for (const WorkloadStatement& each : *statements) {
    shown += (shown.empty() ? "" : ", ") + each.name + ": " + size_of(each.sql);
  }
  return shown;
}

// What NODE_ENV says that is no profile, for example "prod"; the start of one
// means it.
std::string unknown_profile(std::string_view given) {
  const std::vector<std::string> known = {"production", "development"};
  auto meant = nearest(given, known);
  for (const std::string& name : known) {
    if (name.starts_with(given)) meant = name;
  }
  return "NODE_ENV=" + shown(given) +
         " is no profile, and counts as development; expected production or "
         "development" +
         (meant ? " (the nearest is " + *meant + ")" : "");
}

class Loader {
 public:
  Loader(const std::vector<std::string>& args, const Environment& environment)
      : environment_(environment), flags_(parse_flags(args)) {}

  tl::expected<Settings, EarlyExit> run();

 private:
  void choose_profile();
  void apply(const Definition& definition);
  void set(const Definition& definition, const Given& given);
  Secret secret(std::string_view name);
  void take_database();
  TlsWishes tls_wishes();
  void effective(std::string name, std::string_view value, std::string source);
  void error(std::string line) { errors_.push_back(std::move(line)); }

  // Constant after construction.
  const Environment& environment_;
  const Flags flags_;

  Draft draft_;
  Source given_;  // by the sources that stand above the defaults, merged
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
  // In order of precedence: insert() keeps what an earlier one gave.
  given_ = flags_.source;
  given_.merge(parse_environment(environment_));
  choose_profile();
  draft_.settings.demo = flags_.demo;
  for (const Definition& definition : definitions()) apply(definition);
  take_database();
  Settings& settings = draft_.settings;
  check_together(draft_, given_, errors_);
  for (Notice& notice : unknown_variables(environment_)) {
    settings.notices.push_back(std::move(notice));
  }
  if (!errors_.empty()) {
    return tl::make_unexpected(EarlyExit{2, "", std::move(errors_)});
  }
  settings.pools.push_back(std::move(draft_.pool));
  return std::move(settings);
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
    const std::string_view text = trim(flags_.profile[0]);
    const Refusal refusal =
        parse_word<Profile>(text,
                            {{"production", Profile::kProduction},
                             {"development", Profile::kDevelopment}},
                            settings.profile);
    if (refusal) {
      error((text.empty() ? "--profile: no value was given; expected "
                          : "--profile=" + shown(text) + ": expected ") +
            *refusal);
    }
  }
  effective("--profile", to_string(settings.profile), source);
}

void Loader::apply(const Definition& definition) {
  const auto found = given_.find(definition.key());
  if (found != given_.end()) {
    set(definition, found->second);
    return;
  }
  const auto text = definition.default_for(draft_.settings.profile);
  if (text.empty()) return;
  set(definition,
      {std::string(definition.key()), "default", {std::string(text)}});
}

void Loader::set(const Definition& definition, const Given& given) {
  std::string all;
  for (const std::string& value : given.values) {
    if (value.empty()) {
      error(given.name + ": no value was given; expected " +
            accepted_by(definition));
    } else if (const Refusal refusal = definition.set(value, draft_)) {
      error(given.name + "=" + shown(value) + ": expected " + *refusal);
    }
    all += (all.empty() ? "" : ", ") + value;
  }
  const bool is_default = given.source == "default";
  if (is_default && is_told_by_sslmode(definition)) return;
  if (!is_default && definition.is_sql())
    all = shown_sql(definition, given.values);
  effective(std::string(definition.key()), all, given.source);
}

// Empty, with the mistake noted, where it cannot be had.
Secret Loader::secret(std::string_view name) {
  auto found = read_secret(environment_, name);
  if (found) return *std::move(found);
  error(std::move(found.error()));
  return {std::string(name), "", false};
}

void Loader::take_database() {
  Settings& settings = draft_.settings;
  const std::size_t mistakes = errors_.size();
  const auto [name, text, is_file] = secret("DATABASE_URL");
  if (settings.demo) {
    if (!text.empty()) {
      settings.notices.push_back(
          {LogLevel::kInfo,
           "--demo has a database of its own: DATABASE_URL "
           "is not used"});
    }
    return;
  }
  if (text.empty()) {
    if (errors_.size() > mistakes) return;  // its file cannot be read
    error(
        "DATABASE_URL: not set; expected a URI such as "
        "postgresql://user@host:5432/database or key=value pairs (--demo "
        "needs none)");
    return;
  }
  auto database = ConnectionString::parse(text);
  if (!database) {
    error(name + ": " + explain_database_url(text, database.error().message));
    (void)tls_wishes();  // for the mistakes in these
    return;
  }
  const TlsWishes wishes = tls_wishes();
  if (auto checked = database->check_completed(); !checked) {
    const auto mode = sslmode_problem(libpq_tls(*database, wishes.libpq).mode);
    error(mode.value_or(name + ": " + checked.error().message));
    return;
  }
  // What belongs to a file that cannot be read would be wrong without it.
  if (errors_.size() > mistakes) return;
  if (auto problem = database->passfile_problem()) {
    settings.notices.push_back({LogLevel::kWarn, *std::move(problem)});
  }
  TlsDecision tls = decide_tls(*database, wishes);
  for (std::string& line : tls.errors) error(std::move(line));
  for (Notice& notice : tls.notices) {
    settings.notices.push_back(std::move(notice));
  }
  if (!database->get("application_name") &&
      !database->get("fallback_application_name")) {
    (void)database->set("fallback_application_name", "dbpool_exporter");
  }
  effective("DATABASE_URL", database->description(),
            is_file ? "file" : "environment");
  effective("sslmode", tls.mode, "derived");
  effective("sslmode_from", tls.mode_source, "derived");
  draft_.pool.database = *std::move(database);
}

TlsWishes Loader::tls_wishes() {
  TlsWishes wishes;
  const auto take = [this](std::string_view variable, std::string& name,
                           std::string& value) {
    Secret found = secret(variable);
    name = std::move(found.name);
    value = std::move(found.value);
    if (value.empty()) return;
    effective(std::string(variable), "given",
              found.is_file ? "file" : "environment");
  };
  take("DB_SSL_CA", wishes.ca_name, wishes.material.ca);
  take("DB_SSL_CERT", wishes.certificate_name, wishes.material.certificate);
  take("DB_SSL_KEY", wishes.key_name, wishes.material.key);
  const auto ssl = given_.find("DB_SSL");
  if (ssl != given_.end()) {
    wishes.ssl = draft_.ssl;
    wishes.ssl_name = ssl->second.name;
  } else {
    wishes.ssl_by_default = draft_.ssl;
  }
  const auto reject = given_.find("DB_SSL_REJECT_UNAUTHORIZED");
  if (reject != given_.end()) {
    wishes.reject_unauthorized = draft_.ssl_reject_unauthorized;
    wishes.reject_name = reject->second.name;
  }
  for (const char* name :
       {"PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"}) {
    // As it is, blanks and all: so libpq takes it.
    const auto found = environment_.find(name);
    if (found == environment_.end() || found->second.empty()) continue;
    wishes.libpq.emplace(name, found->second);
  }
  return wishes;
}

void Loader::effective(std::string name, std::string_view value,
                       std::string source) {
  const std::string safe = redact(to_utf8(value));
  draft_.settings.effective.push_back(
      {std::move(name), std::string(utf8_prefix(safe, kShownSetting)),
       std::move(source)});
}

}  // namespace

std::string_view to_string(Profile profile) noexcept {
  return profile == Profile::kProduction ? "production" : "development";
}

tl::expected<Settings, EarlyExit> load_settings(
    const std::vector<std::string>& args, const Environment& environment) {
  return Loader(args, environment).run();
}

}  // namespace dbpool::exporter
