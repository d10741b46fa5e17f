#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "exporter/base/ascii.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/nearest.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

namespace {

using Values = std::vector<std::string>;

constexpr std::size_t kLongestName = 60;

constexpr std::array<std::string_view, 4> kSwitches = {
    "--help", "--version", "--demo", "--config.check"};

std::vector<std::string> known_flags() {
  std::vector<std::string> known(kSwitches.begin(), kSwitches.end());
  known.emplace_back("--profile");
  known.emplace_back("--config.file");
  for (const Definition& definition : definitions()) {
    known.emplace_back(definition.flag);
  }
  return known;
}

// A flag without a value gets an empty one, and does not take the flag after
// it for its value.
void add_valued(CLI::App& app, std::string_view flag, Values& values) {
  app.add_option(std::string(flag), values)
      ->expected(0, 1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

bool is_flag(std::string_view text) {
  return text.starts_with("--") && text != "--";
}

// As programs that take the database by a flag call it.
bool names_the_database(std::string_view flag) {
  constexpr std::array<std::string_view, 5> kWords = {
      "database", "url", "dsn", "conninfo", "connection-string"};
  return std::ranges::any_of(kWords, [flag](std::string_view word) {
    return flag.find(word) != std::string_view::npos;
  });
}

// What of an argument is no secret: a word or a path in small letters, the
// letter of a flag, the scheme of a URL. Empty: nothing.
std::string shown_argument(std::string_view argument) {
  const auto* const end = std::ranges::find_if_not(argument, [](char c) {
    return (is_letter(c) && c == in_lower_case(c)) ||
           std::string_view("-_./").find(c) != std::string_view::npos;
  });
  const std::string start(argument.begin(), end);
  const std::string_view rest = argument.substr(start.size());
  if (start.size() > kLongestName) return "";
  if (start.starts_with('-') && start.size() > 2) {
    return start.substr(0, 2) + "…";
  }
  if (rest.empty()) return start;
  return rest.starts_with("://") && !start.empty() ? start + "://…" : "";
}

std::string argument_error(const std::string& shown) {
  return (shown.empty() ? "an argument that may hold a secret"
                        : "the argument " + in_quotes(shown)) +
         " is no flag; expected flags that begin with -- (the database is "
         "named by the variable DATABASE_URL), see --help";
}

// Of small letters, digits, '-', '.' and '_'.
bool is_flag_name(std::string_view text) {
  return text.size() <= kLongestName && std::ranges::all_of(text, [](char c) {
           return (is_name_char(c) && c == in_lower_case(c)) || c == '-' ||
                  c == '.';
         });
}

std::string name_in(const std::string& flag) {
  return flag.substr(0, flag.find('='));
}

// Only the name is shown: the rest may be a connection string in the wrong
// place, and so may be what is no name.
std::string unknown_flag_error(const std::string& extra) {
  const std::string name = name_in(extra);
  if (!is_flag_name(name)) {
    return "an unknown flag that may hold a secret; expected one that --help "
           "lists";
  }
  const std::string start = "unknown flag " + in_quotes(name) + "; ";
  if (names_the_database(name)) {
    return start +
           "expected the database in the variable DATABASE_URL or in a file "
           "that DATABASE_URL_FILE names, never in a flag";
  }
  return start +
         nearest_or(name, known_flags(), "expected one that --help lists");
}

// What stands behind an unknown flag is its value, and its mistake is told.
// Behind what is not shown whole there may be more of a secret.
void refuse(const std::vector<std::string>& extras, Flags& flags) {
  bool is_value = false;
  bool is_secret = false;
  for (const std::string& extra : extras) {
    if (is_flag(extra)) {
      flags.errors.push_back(unknown_flag_error(extra));
      is_secret = is_secret || extra != name_in(extra) || !is_flag_name(extra);
    } else if (!is_value) {
      const std::string shown = is_secret ? "" : shown_argument(extra);
      flags.errors.push_back(argument_error(shown));
      is_secret = is_secret || shown != extra;
      if (extra == "--") return;  // behind it there are no flags
    } else {
      is_secret = true;
    }
    is_value = extra.starts_with('-') && extra.find('=') == std::string::npos;
  }
}

// Takes out what gives a value to a flag that has none.
Values without_valued_switches(const Values& args, Flags& flags) {
  Values rest;
  for (const std::string& arg : args) {
    const std::string name = arg.substr(0, arg.find('='));
    if (name != arg && std::ranges::find(kSwitches, name) != kSwitches.end()) {
      std::string& error = flags.errors.emplace_back(name);
      error.append(": a value was given; expected ").append(name);
      error.append(" alone");
    } else {
      rest.push_back(arg);
    }
  }
  return rest;
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
    const std::string_view text = trim(value);
    given.values.emplace_back(text.empty() && definition.bare ? "true" : text);
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
  std::size_t check = 0;
  app.add_flag("--help,-h", flags.help);
  app.add_flag("--version", flags.version);
  app.add_flag("--demo", demo);
  app.add_flag("--config.check", check);
  add_valued(app, "--config.file", flags.config_file);
  add_valued(app, "--profile", flags.profile);
  std::vector<Values> values(definitions().size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    add_valued(app, definitions()[i].flag, values[i]);
  }
  Values rest = without_valued_switches(args, flags);
  std::ranges::reverse(rest);  // as CLI11 wants them
  try {
    app.parse(std::move(rest));
  } catch (const CLI::ParseError&) {
    // Its words are about types; none of the rules here is known to end so.
    flags.errors.emplace_back(
        "the flags cannot be read; expected --flag=value, see --help");
  }
  refuse(app.remaining(), flags);
  flags.demo = demo > 0;
  flags.config_check = check > 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    take(flags, definitions()[i], values[i]);
  }
  return flags;
}

}  // namespace dbpool::exporter
