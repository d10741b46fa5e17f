#include "exporter/settings/custom_probes_file.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <utility>

#include "exporter/settings/parsers.h"
#include "exporter/settings/refused_value.h"

namespace dbpool::exporter {

namespace {

constexpr Duration kShortest = std::chrono::milliseconds(1);
constexpr Duration kLongest = std::chrono::hours(24);

const std::vector<std::string>& keys() {
  static const std::vector<std::string> kKeys = {
      "sql",    "parameters", "role",     "rows",   "expect",
      "values", "labels",     "interval", "timeout"};
  return kKeys;
}

// One probe's keys.
class Reader {
 public:
  Reader(const YamlMapping& at, std::string where, const ExpandText& expand)
      : at_(at), where_(std::move(where)), expand_(expand) {}

  CustomProbeOptions read(const std::string& name);

 private:
  std::string text(const YamlMapping& at, const std::string& key,
                   const std::string& prefix) const {
    return expand_(at.text(key), at.line(key), prefix + key);
  }
  // As it stands in the file: a variable's value may be a secret.
  static void refuse(const YamlMapping& at, const std::string& key,
                     const std::string& prefix, const std::string& expected) {
    refuse_yaml(at.line(key),
                refused_value(prefix + key, at.text(key), expected));
  }
  std::vector<std::string> texts(const std::string& key) const;
  void take_time(const std::string& key, Duration& out) const;
  void take_role(CustomProbeOptions& options) const;
  void take_rows(CustomProbeOptions& options) const;
  void take_expected(CustomProbeOptions& options) const;
  void take_values(CustomProbeOptions& options) const;
  std::optional<double> number(const YamlMapping& at, const std::string& key,
                               const std::string& prefix) const;

  const YamlMapping& at_;
  const std::string where_;  // ends with ": "
  const ExpandText& expand_;
};

CustomProbeOptions Reader::read(const std::string& name) {
  CustomProbeOptions options;
  options.name = name;
  options.sql = text(at_, "sql", where_);
  options.parameters = texts("parameters");
  options.labels = texts("labels");
  take_time("interval", options.interval);
  take_time("timeout", options.timeout);
  take_role(options);
  take_rows(options);
  take_expected(options);
  take_values(options);
  return options;
}

std::vector<std::string> Reader::texts(const std::string& key) const {
  std::vector<std::string> all;
  for (const std::string& each : at_.texts(key)) {
    all.push_back(expand_(each, at_.line(key), where_ + key));
  }
  return all;
}

void Reader::take_time(const std::string& key, Duration& out) const {
  if (!at_.has(key)) return;
  const Refusal refusal =
      parse_duration(text(at_, key, where_), kShortest, kLongest, out);
  if (refusal) {
    refuse(at_, key, where_, *refusal);
  }
}

void Reader::take_role(CustomProbeOptions& options) const {
  if (!at_.has("role")) return;
  ServerRole role{};
  const Refusal refusal = parse_word<ServerRole>(
      text(at_, "role", where_),
      {{"primary", ServerRole::kPrimary}, {"standby", ServerRole::kStandby}},
      role);
  if (refusal) {
    refuse(at_, "role", where_, *refusal);
  }
  options.role = role;
}

void Reader::take_rows(CustomProbeOptions& options) const {
  const YamlMapping rows = at_.mapping("rows", {"min", "max"});
  const auto take = [&](const char* key, std::optional<std::uint64_t>& out) {
    if (!rows.has(key)) return;
    out = digits(text(rows, key, where_ + "rows: "));
    if (out) return;
    refuse(rows, key, where_ + "rows: ", "a whole number");
  };
  take("min", options.rows.min);
  take("max", options.rows.max);
}

void Reader::take_expected(CustomProbeOptions& options) const {
  const YamlMapping expect = at_.mapping("expect", {});
  for (const std::string& column : expect.keys()) {
    if (!expect.has(column)) {
      refuse_yaml(at_.line("expect"),
                  where_ + "expect: expected a text for each column");
    }
    // The column's name is the user's: not in a mistake.
    options.expect[column] =
        expand_(expect.text(column), expect.line(column), where_ + "expect");
  }
}

void Reader::take_values(CustomProbeOptions& options) const {
  const YamlMapping values = at_.mapping("values", {});
  const std::string prefix = where_ + "values: ";
  for (const std::string& column : values.keys()) {
    const YamlMapping bounds = values.mapping(column, {"min", "max"});
    options.values[column] = {number(bounds, "min", prefix),
                              number(bounds, "max", prefix)};
  }
}

std::optional<double> Reader::number(const YamlMapping& at,
                                     const std::string& key,
                                     const std::string& prefix) const {
  if (!at.has(key)) return std::nullopt;
  const std::string given = text(at, key, prefix);
  double value = 0;
  const char* const end = given.data() + given.size();
  const auto [stopped, error] = std::from_chars(given.data(), end, value);
  if (error != std::errc() || stopped != end || !std::isfinite(value)) {
    refuse(at, key, prefix, "a number");
  }
  return value;
}

}  // namespace

std::vector<CustomProbeOptions> read_custom_probes(const YamlMapping& of_pool,
                                                   const std::string& where,
                                                   const ExpandText& expand) {
  std::vector<CustomProbeOptions> probes;
  const YamlMapping all = of_pool.mapping("custom_probes", {});
  const std::string prefix = where + "custom_probes: ";
  for (const std::string& name : all.keys()) {
    const YamlMapping at = all.mapping(name, keys());
    const int line = std::max(all.line(name), of_pool.line("custom_probes"));
    CustomProbeOptions probe;
    probe.name = name;
    probe.sql = "SELECT";  // the name first: it stands in what follows
    if (auto good = validate(probe); !good) {
      refuse_yaml(line, prefix + shown_value(name) + ": " + good.error());
    }
    probe = Reader(at, prefix + name + ": ", expand).read(name);
    if (auto good = validate(probe); !good) {
      refuse_yaml(line, prefix + name + ": " + good.error());
    }
    probes.push_back(std::move(probe));
  }
  if (auto good = validate(probes); !good) {
    refuse_yaml(of_pool.line("custom_probes"), prefix + good.error());
  }
  return probes;
}

}  // namespace dbpool::exporter
