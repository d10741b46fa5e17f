#include "exporter/probes/custom_probe_options.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "dbpool/error.h"
#include "exporter/base/ascii.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"

namespace dbpool::exporter {

namespace {

using Refusal = tl::unexpected<std::string>;

constexpr std::size_t kLongestName = 60;
constexpr std::size_t kMostParameters = 100;
constexpr Duration kLongestTime = std::chrono::hours(24);

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName &&
         is_name_start(text.front()) && std::ranges::all_of(text, is_name_char);
}

// Prometheus' own begin with two.
bool is_label(std::string_view text) {
  static constexpr std::array<std::string_view, 3> kTaken = {"pool", "probe",
                                                             "column"};
  return is_identifier(text) && !text.starts_with("__") &&
         std::ranges::find(kTaken, text) == kTaken.end();
}

bool is_built_in(std::string_view name) {
  return name == "connect" || name == "select_1" || name == "server" ||
         name == "diagnosis";
}

template <typename T>
bool is_upside_down(const Bounds<T>& bounds) {
  return bounds.min && bounds.max && !(*bounds.min <= *bounds.max);
}

bool is_time(Duration time) {
  return time > Duration::zero() && time <= kLongestTime;
}

tl::expected<void, std::string> check_labels(
    const std::vector<std::string>& labels) {
  if (labels.size() > kMostProbeLabels) {
    return Refusal("labels: expected at most " +
                   std::to_string(kMostProbeLabels));
  }
  if (!std::ranges::all_of(labels, is_label)) {
    return Refusal(
        "labels: expected columns that are label names: letters, digits and "
        "'_', no digit and no two '_' first, none of pool, probe, column");
  }
  if (std::set(labels.begin(), labels.end()).size() != labels.size()) {
    return Refusal("labels: expected each column once");
  }
  return {};
}

tl::expected<void, std::string> check_values(
    const CustomProbeOptions& options) {
  for (const auto& [column, bounds] : options.values) {
    const std::string name = "values: " + in_quotes(redact(to_utf8(column)));
    if (std::ranges::count(options.labels, column) > 0) {
      return Refusal(name + " is a label, too; expected one of them");
    }
    if (is_upside_down(bounds)) {
      return Refusal(name + ": expected min no higher than max");
    }
  }
  if (options.values.size() > kMostProbeValues) {
    return Refusal("values: expected at most " +
                   std::to_string(kMostProbeValues));
  }
  if (options.values.empty() && !options.labels.empty()) {
    return Refusal("labels: expected values beside them");
  }
  return {};
}

}  // namespace

std::string_view to_string(ServerRole role) noexcept {
  return role == ServerRole::kPrimary ? "primary" : "standby";
}

tl::expected<void, std::string> validate(const CustomProbeOptions& options) {
  if (!is_identifier(options.name) || is_built_in(options.name)) {
    return Refusal(
        "expected a name of up to 60 letters, digits and '_', no digit first, "
        "and none of connect, select_1, server, diagnosis");
  }
  if (options.sql.empty()) return Refusal("sql: expected a statement");
  if (options.parameters.size() > kMostParameters) {
    return Refusal("parameters: expected at most " +
                   std::to_string(kMostParameters));
  }
  if (!is_time(options.interval)) {
    return Refusal("interval: expected a time of up to 24h");
  }
  if (!is_time(options.timeout)) {
    return Refusal("timeout: expected a time of up to 24h");
  }
  if (is_upside_down(options.rows)) {
    return Refusal("rows: expected min no higher than max");
  }
  if (auto good = check_labels(options.labels); !good) return good;
  return check_values(options);
}

tl::expected<void, std::string> validate(
    const std::vector<CustomProbeOptions>& probes) {
  if (probes.size() > kMostCustomProbes) {
    return Refusal("expected at most " + std::to_string(kMostCustomProbes) +
                   " probes");
  }
  std::set<std::string_view> names;
  for (const CustomProbeOptions& probe : probes) {
    auto good = validate(probe);
    if (!good) return Refusal(probe.name + ": " + good.error());
    if (!names.insert(probe.name).second) {
      return Refusal(probe.name + ": expected each name once");
    }
  }
  return {};
}

}  // namespace dbpool::exporter
