#include "exporter/settings/apply.h"

#include <cstddef>
#include <utility>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/settings/refused_value.h"
#include "exporter/workload/options.h"

namespace dbpool::exporter {

namespace {

using Texts = std::vector<std::string>;

constexpr std::size_t kShownSetting = 200;

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
Texts shown_sql(const Definition& definition, const Texts& given) {
  const auto size_of = [](const std::string& sql) {
    return std::to_string(sql.size()) + " bytes of SQL";
  };
  if (!definition.repeatable) return {size_of(given.front())};
  const auto statements = parse_workload_statements(given);
  if (!statements) return {};  // told elsewhere
  Texts shown;
  for (const WorkloadStatement& each : *statements) {
    shown.push_back(each.name + ": " + size_of(each.sql));
  }
  return shown;
}

std::string shown_setting(std::string_view value) {
  const std::string safe = redact(to_utf8(value));
  return std::string(utf8_prefix(safe, kShownSetting));
}

void set(const Definition& definition, const Given& given, Draft& draft,
         std::vector<std::string>& errors) {
  for (std::size_t i = 0; i < given.values.size(); ++i) {
    const std::string& value = given.values[i];
    if (value.empty()) {
      errors.push_back(refused_value(given.name, "", accepted_by(definition)));
    } else if (const Refusal refusal = definition.set(value, draft)) {
      errors.push_back(refused_value(
          given.name, given.shown.empty() ? value : given.shown[i], *refusal));
    }
  }
  const bool is_default = given.source == "default";
  if (is_default && is_told_by_sslmode(definition)) return;
  Texts values = !is_default && definition.is_sql()
                     ? shown_sql(definition, given.values)
                     : given.values;
  auto& all =
      definition.is_of_pool() ? draft.pool.effective : draft.settings.effective;
  all.push_back(effective_setting(std::string(definition.key()), joined(values),
                                  given.source));
  if (!definition.repeatable) return;
  for (std::string& value : values) {
    all.back().list.push_back(shown_setting(value));
  }
}

}  // namespace

void apply_settings(bool of_pool, const Source& given, Draft& draft,
                    std::vector<std::string>& errors) {
  for (const Definition& definition : definitions()) {
    if (definition.is_of_pool() != of_pool) continue;
    const std::string key(definition.key());
    const auto found = given.find(key);
    if (found != given.end()) {
      set(definition, found->second, draft, errors);
      continue;
    }
    const auto text = definition.default_for(draft.settings.profile);
    if (text.empty()) continue;
    set(definition, {key, "default", {std::string(text)}}, draft, errors);
  }
}

EffectiveSetting effective_setting(std::string name, std::string_view value,
                                   std::string source) {
  return {std::move(name), shown_setting(value), std::move(source), {}};
}

}  // namespace dbpool::exporter
