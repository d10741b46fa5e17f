#include "exporter/settings/checks.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include "dbpool/error.h"
#include "exporter/base/utf8.h"
#include "exporter/settings/refused_value.h"
#include "exporter/workload/script/load.h"

namespace dbpool::exporter {

namespace {

class Checks {
 public:
  Checks(Draft& draft, const Source& given, std::vector<std::string>& errors)
      : draft_(draft),
        settings_(draft.settings),
        pool_(draft.pool),
        given_(given),
        errors_(errors) {}

  void run() {
    check_floor();
    derive_open_timeout();
    check_log_connections();
    check_log_queries();
    check_workload();
    if (!errors_.empty()) return;
    if (auto valid = validate(pool_.options); !valid) {
      errors_.push_back(valid.error().message);
    }
  }

 private:
  bool is_given(std::string_view key) const {
    return given_.find(key) != given_.end();
  }
  // As the user wrote it, or what stands in for it.
  std::string name_of(std::string_view key) const {
    const auto found = given_.find(key);
    return found == given_.end() ? "the default of " + std::string(key)
                                 : found->second.name;
  }
  bool is_expanded(std::string_view key) const {
    const auto found = given_.find(key);
    return found != given_.end() && found->second.is_expanded;
  }
  std::string shown_number(std::string_view key, std::size_t number) const {
    return is_expanded(key) ? shown_value(given_.find(key)->second.shown.at(0))
                            : std::to_string(number);
  }
  // `mistake` may show pieces of the value, and of what a variable holds.
  void refuse_workload(std::string_view key, const std::string& mistake,
                       std::string_view expected) {
    errors_.push_back(
        name_of(key) + ": " +
        (is_expanded(key)
             ? "no good with its variables put in, which may be secrets; "
               "expected " +
                   std::string(expected)
             : mistake));
  }
  bool excludes(std::string_view key, std::string_view because) {
    if (!is_given(key)) return false;
    errors_.push_back(name_of(key) + ": " + std::string(because));
    return true;
  }

  void check_floor() {
    PoolOptions& pool = pool_.options;
    if (pool.min_connections <= pool.max_connections) return;
    if (is_given("DB_POOL_MIN")) {
      const std::string most =
          shown_number("DB_POOL_MAX", pool.max_connections);
      errors_.push_back(name_of("DB_POOL_MIN") + "=" +
                        shown_number("DB_POOL_MIN", pool.min_connections) +
                        ": above " + name_of("DB_POOL_MAX") + "=" + most +
                        "; expected a whole number from 0 to " + most);
      return;
    }
    // Only the limit was chosen: the default floor gives way.
    pool.min_connections = pool.max_connections;
    set_effective("DB_POOL_MIN", std::to_string(pool.min_connections));
  }

  // Whoever allows an acquire more time means slow openings too; but a short
  // deadline of acquires must not make openings impossible.
  void derive_open_timeout() {
    PoolOptions& pool = pool_.options;
    pool.open_timeout =
        std::max<Duration>(std::chrono::seconds(5), pool.acquire_timeout);
  }

  void check_log_connections() {
    if (settings_.profile != Profile::kProduction) return;
    if (!pool_.log_connections) return;
    pool_.log_connections = false;
    set_effective("DB_LOG_CONNECTIONS", "false");
    settings_.notices.push_back(
        {LogLevel::kWarn,
         name_of("DB_LOG_CONNECTIONS") + " is ignored in production"});
  }

  // A demo's query log would bury its state lines.
  void check_log_queries() {
    if (!settings_.demo || is_given("DB_LOG_QUERIES")) return;
    pool_.log_queries = false;
    set_effective("DB_LOG_QUERIES", "false");
  }

  void check_workload() {
    if (settings_.demo) {
      refuse_with_demo();
      return;
    }
    const bool closed = is_given("--workload.clients");
    const bool open = is_given("--workload.rate");
    if (closed && open) {
      errors_.push_back(name_of("--workload.clients") + " contradicts " +
                        name_of("--workload.rate") + "; expected one of them");
      return;
    }
    if (!closed && !open) {
      refuse_without_workload();
      return;
    }
    if (closed) {
      excludes("--workload.max-in-flight",
               "belongs to --workload.rate; expected it unset with "
               "--workload.clients");
    } else {
      excludes("--workload.think",
               "belongs to --workload.clients; expected it unset with "
               "--workload.rate");
    }
    if (pool_.options.pipeline_depth > 1) {
      excludes("--workload.hold", "there is no lease to hold with " +
                                      name_of("DB_POOL_PIPELINE") +
                                      "; expected one of them unset");
      excludes("--workload.script", "holds a lease, and there is none with " +
                                        name_of("DB_POOL_PIPELINE") +
                                        "; expected one of them unset");
    }
    if (is_given("--workload.script")) {
      take_scripts();
    } else {
      excludes("--workload.scale",
               "belongs to --workload.script; expected both or none");
      take_statements();
    }
  }

  void refuse_with_demo() {
    for (const Definition& definition : definitions()) {
      if (!definition.flag.starts_with("--workload.")) continue;
      excludes(definition.flag,
               "--demo has a workload of its own; expected it unset");
    }
  }

  void refuse_without_workload() {
    for (const Definition& definition : definitions()) {
      if (!definition.flag.starts_with("--workload.")) continue;
      excludes(definition.flag,
               "needs a workload; expected --workload.clients or "
               "--workload.rate beside it");
    }
  }

  void take_scripts() {
    if (excludes("--workload.sql",
                 "contradicts --workload.script; expected one of them")) {
      return;
    }
    auto scripts = script::load_scripts(draft_.workload_scripts);
    if (!scripts) {
      refuse_workload("--workload.script", redact(to_utf8(scripts.error())),
                      "scripts that can be read and run");
      return;
    }
    draft_.workload.scripts = *std::move(scripts);
    pool_.workload = draft_.workload;
  }

  void take_statements() {
    if (draft_.workload_sql.empty()) {
      draft_.workload_sql.emplace_back("SELECT 1");
    }
    auto statements = parse_workload_statements(draft_.workload_sql);
    if (!statements) {
      refuse_workload("--workload.sql", statements.error().message,
                      "statements with names that differ");
      return;
    }
    draft_.workload.statements = *std::move(statements);
    pool_.workload = draft_.workload;
  }

  void set_effective(std::string_view name, std::string_view value) {
    for (EffectiveSetting& setting : pool_.effective) {
      if (setting.name != name) continue;
      setting.value = value;
      setting.source = "derived";
    }
  }

  Draft& draft_;
  Settings& settings_;
  PoolSettings& pool_;
  const Source& given_;
  std::vector<std::string>& errors_;
};

}  // namespace

void check_program(const Settings& settings, std::vector<std::string>& errors) {
  const auto& listen = settings.web.listen;
  for (auto one = listen.begin(); one != listen.end(); ++one) {
    if (one->port == 0 || std::find(listen.begin(), one, *one) == one) continue;
    errors.push_back("--web.listen-address=\"" + to_string(*one) +
                     "\": given twice; expected it once");
  }
}

void check_pool(Draft& draft, const Source& given,
                std::vector<std::string>& errors) {
  Checks(draft, given, errors).run();
}

}  // namespace dbpool::exporter
