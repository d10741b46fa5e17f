#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstddef>
#include <utility>

#include "dbpool/error.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/sources.h"
#include "exporter/utf8.h"

namespace dbpool::exporter {

namespace {

using Values = std::vector<std::string>;

constexpr std::size_t kLongestName = 60;

std::vector<std::string> known_flags() {
  std::vector<std::string> known = {"--help", "--version", "--demo",
                                    "--profile"};
  for (const Definition& definition : definitions()) {
    known.emplace_back(definition.flag);
  }
  return known;
}

void add_valued(CLI::App& app, std::string_view flag, Values& values) {
  app.add_option(std::string(flag), values)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// Only the name of what looks like a flag of ours is shown: the rest may be a
// connection string in the wrong place.
std::string extra_error(const std::string& extra) {
  if (!extra.starts_with("--") || extra == "--") {
    return "an argument was given that is no flag; expected flags that begin "
           "with -- (the database is named by the variable DATABASE_URL), see "
           "--help";
  }
  const std::string name = extra.substr(0, extra.find('='));
  const std::string shown =
      redact(to_utf8(utf8_prefix(to_utf8(name), kLongestName)));
  return "unknown flag " + in_quotes(shown) + "; the nearest known one is " +
         nearest(name, known_flags());
}

// CLI11's own words, in one line. They name flags and never values, but for
// a flag that takes none.
std::string parse_error(const CLI::ParseError& error) {
  std::string line = to_utf8(error.what());
  std::replace(line.begin(), line.end(), '\n', ' ');
  return redact(line);
}

void take(Flags& flags, const Definition& definition, const Values& values) {
  if (values.empty()) return;
  const std::string name(definition.flag);
  if (values.size() > 1 && !definition.repeatable) {
    flags.errors.push_back(name + ": given " + std::to_string(values.size()) +
                           " times; expected it once");
    return;
  }
  Given given{name, "flag", {}};
  for (const std::string& value : values) {
    given.values.emplace_back(trim(value));
  }
  flags.source[std::string(definition.key())] = std::move(given);
}

}  // namespace

Flags parse_flags(const std::vector<std::string>& args) {
  Flags flags;
  CLI::App app;
  app.set_help_flag();  // the page is help_text()
  app.allow_extras();
  std::size_t demo = 0;
  app.add_flag("--help,-h", flags.help);
  app.add_flag("--version", flags.version);
  app.add_flag("--demo", demo);
  add_valued(app, "--profile", flags.profile);
  std::vector<Values> values(definitions().size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    add_valued(app, definitions()[i].flag, values[i]);
  }
  try {
    app.parse(Values(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& error) {
    flags.errors.push_back(parse_error(error));
  }
  for (const std::string& extra : app.remaining()) {
    flags.errors.push_back(extra_error(extra));
  }
  flags.demo = demo > 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    take(flags, definitions()[i], values[i]);
  }
  return flags;
}

}  // namespace dbpool::exporter
