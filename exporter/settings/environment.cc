#include <algorithm>
#include <cstddef>

#include "exporter/logging/log_line.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/secret_files.h"
#include "exporter/settings/sources.h"
#include "exporter/utf8.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kMaxUnknown = 20;
constexpr std::size_t kLongestName = 100;

std::vector<std::string> known_variables() {
  std::vector<std::string> known;
  for (const std::string_view name : kSecretVariables) {
    if (!name.starts_with("DB_")) continue;
    known.emplace_back(name);
    known.push_back(std::string(name) + "_FILE");
  }
  for (const Definition& definition : definitions()) {
    if (!definition.variable.empty()) known.emplace_back(definition.variable);
  }
  return known;
}

// Optimal string alignment.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

Environment copy_environment(const char* const* environ) {
  Environment result;
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    const std::string_view entry(*environ);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    result.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return result;
}

std::string variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(std::string(name));
  if (found == environment.end()) return "";
  return std::string(trim(found->second));
}

Source parse_environment(const Environment& environment) {
  Source source;
  for (const Definition& definition : definitions()) {
    if (definition.variable.empty()) continue;
    std::string value = variable(environment, definition.variable);
    if (value.empty()) continue;
    source[std::string(definition.key())] = {
        std::string(definition.variable), "environment", {std::move(value)}};
  }
  return source;
}

std::vector<Notice> unknown_variables(const Environment& environment) {
  const std::vector<std::string> known = known_variables();
  std::vector<Notice> notices;
  std::size_t unnamed = 0;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("DB_")) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (notices.size() == kMaxUnknown) {
      ++unnamed;
      continue;
    }
    const std::string shown = to_utf8(utf8_prefix(to_utf8(name), kLongestName));
    notices.push_back({LogLevel::kWarn, "unknown variable " + shown +
                                            " is ignored; the nearest known "
                                            "one is " +
                                            nearest(shown, known)});
  }
  if (unnamed > 0) {
    notices.push_back({LogLevel::kWarn, std::to_string(unnamed) +
                                            " more unknown DB_* variables are "
                                            "ignored"});
  }
  return notices;
}

std::string nearest(std::string_view name,
                    const std::vector<std::string>& known) {
  return *std::min_element(known.begin(), known.end(),
                           [name](const auto& a, const auto& b) {
                             return distance(name, a) < distance(name, b);
                           });
}

}  // namespace dbpool::exporter
