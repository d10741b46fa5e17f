#include "exporter/workload/options.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "exporter/base/ascii.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {
namespace {

constexpr std::size_t kMaxNameBytes = 50;

Error usage(std::string message) {
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = std::move(message);
  return error;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

// The name before the first '=', or empty. No SQL statement begins with a
// word and '=', so the two forms cannot be confused.
std::string_view leading_name(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return {};
  const std::string_view name = text.substr(0, equals);
  if (!is_name_start(name.front())) return {};
  return std::ranges::all_of(name, is_name_char) ? name : std::string_view();
}

bool is_pause(Duration duration) {
  return duration >= Duration::zero() && duration <= kMaxWorkloadPause;
}

Expected<void> check_statements(
    const std::vector<WorkloadStatement>& statements) {
  if (statements.empty()) {
    return Unexpected(usage("workload: no statement given"));
  }
  if (statements.size() > kMaxWorkloadStatements) {
    return Unexpected(usage("workload: " + std::to_string(statements.size()) +
                            " statements given, at most " +
                            std::to_string(kMaxWorkloadStatements) +
                            " are accepted"));
  }
  std::set<std::string_view> names;
  for (const auto& [name, sql] : statements) {
    if (name.empty() || name.size() > kMaxNameBytes) {
      return Unexpected(usage("workload: the name \"" + name +
                              "\" must have 1 to 50 characters"));
    }
    if (trimmed(sql).empty()) {
      return Unexpected(usage("workload: \"" + name + "\" has no SQL"));
    }
    // Its queries would be counted among the probe's, and not be logged.
    if (is_probe_statement(name)) {
      return Unexpected(usage("workload: \"" + name +
                              "\" is the name of a probe's statement; choose "
                              "another"));
    }
    if (!names.insert(name).second) {
      return Unexpected(usage("workload: two statements are called \"" + name +
                              "\"; names must differ"));
    }
  }
  return {};
}

}  // namespace

Expected<std::vector<WorkloadStatement>> parse_workload_statements(
    std::span<const std::string> given) {
  std::vector<WorkloadStatement> statements;
  statements.reserve(given.size());
  for (const std::string& argument : given) {
    const std::string_view text = trimmed(argument);
    const std::string_view name = leading_name(text);
    WorkloadStatement statement;
    if (name.empty()) {
      statement.name = "workload_" + std::to_string(statements.size() + 1);
      statement.sql = text;
    } else {
      statement.name = name;
      statement.sql = trimmed(text.substr(name.size() + 1));
    }
    statements.push_back(std::move(statement));
  }
  if (auto checked = check_statements(statements); !checked) {
    return Unexpected(std::move(checked.error()));
  }
  return statements;
}

Expected<void> validate(const WorkloadOptions& options) {
  if (options.scripts.empty()) {
    if (auto checked = check_statements(options.statements); !checked) {
      return checked;
    }
  } else if (!options.statements.empty()) {
    return Unexpected(
        usage("workload: has statements and scripts; expected "
              "one of them"));
  }
  if (options.clients > kMaxWorkloadClients) {
    return Unexpected(usage("workload: clients is " +
                            std::to_string(options.clients) +
                            ", 0 to 100000 are accepted"));
  }
  if (!std::isfinite(options.rate) || options.rate < 0 ||
      options.rate > kMaxWorkloadRate) {
    return Unexpected(usage("workload: rate is " +
                            std::to_string(options.rate) +
                            " a second, 0 to 1000000 are accepted"));
  }
  if (options.max_in_flight < 1 ||
      options.max_in_flight > kMaxWorkloadClients) {
    return Unexpected(usage("workload: max_in_flight is " +
                            std::to_string(options.max_in_flight) +
                            ", 1 to 100000 are accepted"));
  }
  if (!is_pause(options.think) || !is_pause(options.hold)) {
    return Unexpected(
        usage("workload: think and hold must be from 0 to 24 hours"));
  }
  return {};
}

}  // namespace dbpool::exporter
