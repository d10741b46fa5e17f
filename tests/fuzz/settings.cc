// All settings: each line of the input is a flag, if it begins with "-", or
// NAME=value. A start that is refused gives one line for each mistake, and
// nothing of what may hold a secret.

#include "exporter/settings/settings.h"

#include <ranges>

#include "dbpool/utf8.h"
#include "exporter/settings/definitions.h"
#include "tests/fuzz/fuzz.h"

namespace dbpool::exporter {
namespace {

using namespace fuzz;  // NOLINT

struct Start {
  std::vector<std::string> args;
  Environment environment;
};

// What no line may show any of: whatever is not a connection string after
// all, its secrets if it is one, keys, and statements.
std::string with_secret(std::string_view name, const std::string& value) {
  const std::string whole = planted(value);
  if (name == "DB_SSL_KEY" || name == "DB_SSL_CERT" || name == "DB_SSL_CA") {
    return whole;
  }
  if (name == "DATABASE_URL") {
    const auto target = ConnectionString::parse(whole);
    if (!target) return whole;
    for (const auto& [keyword, each] : target->values()) {
      if (has_secret(each) && keyword != "password") return value;
    }
    return whole;
  }
  const bool is_sql =
      std::ranges::any_of(definitions(), [name](const Definition& each) {
        return each.is_sql() && (each.variable == name || each.flag == name);
      });
  return is_sql ? whole : value;
}

Start start_of(std::string_view input) {
  Start start;
  for (std::string& line : split(input, '\n')) {
    std::ranges::replace(line, kBreak, '\n');
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string name = line.substr(0, equals);
    std::string value = line.substr(std::min(equals + 1, line.size()));
    // Files of this machine are no part of an input.
    if (name.ends_with("_FILE")) continue;
    value = with_secret(name, value);
    if (!line.starts_with('-')) {
      start.environment.emplace(name, value);
    } else {
      start.args.push_back(equals == line.size() ? line : name + "=" + value);
    }
  }
  return start;
}

void check_refused(const EarlyExit& end) {
  require(end.code == 0 || end.code == 2, "the exit code is 0 or 2");
  require(end.errors.empty() == (end.code == 0), "a refusal says why");
  for (const std::string& line : end.errors) {
    require_one_line(line);
    require_no_secret(line);
    require(line.size() < 2000, "a line is bounded", line);
  }
}

void check_taken(const Settings& settings) {
  for (const auto& each : settings.effective) {
    require_no_secret(each.value);
    require(utf8_prefix(each.value, each.value.size()) == each.value,
            "a setting is shown as UTF-8", each.value);
  }
  for (const auto& each : settings.notices) require_no_secret(each.text);
  for (const ListenAddress& each : settings.web.listen) {
    const auto again = parse_listen_address(to_string(each));
    require(again && *again == each, "an address is read as it is printed",
            to_string(each));
  }
  const Duration probe = settings.pools.at(0).probes.connect.timeout;
  Duration again{0};
  parse_duration(duration_text(probe), Duration(0), Duration::max(), again);
  require(again == probe, "a duration is read as it is printed",
          duration_text(probe));
}

}  // namespace
}  // namespace dbpool::exporter

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace dbpool::exporter;
  const Start start = start_of(dbpool::fuzz::view(data, size));
  const auto settings = load_settings(start.args, start.environment);
  if (settings) {
    check_taken(*settings);
  } else {
    check_refused(settings.error());
  }
  return 0;
}
