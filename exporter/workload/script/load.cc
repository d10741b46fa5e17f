#include "exporter/workload/script/load.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "exporter/base/bounded_file.h"
#include "exporter/workload/script/builtin.h"

namespace dbpool::exporter::script {
namespace {

using Failure = tl::unexpected<std::string>;

constexpr std::string_view kBuiltin = "builtin:";
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxNameBytes = 40;  // leaves room for ":<line>"

// "bench/tpcb-like.sql" → "tpcb_like"
std::string name_from(std::string_view path) {
  path.remove_prefix(path.find_last_of("/:") + 1);  // npos + 1 is 0
  if (path.find('.') > 0) path = path.substr(0, path.find_last_of('.'));
  std::string name;
  for (const char c : path.substr(0, kMaxNameBytes)) {
    const bool is_plain = is_variable_character(c) &&
                          (static_cast<unsigned char>(c) & 0x80U) == 0;
    name += is_plain ? c : '_';
  }
  return is_variable_name(name) ? name : "script_" + name;
}

std::string shown_path(std::string_view path) {
  constexpr std::size_t kMost = 200;
  return shown(path, kMost);
}

Result<std::string> text_of_script(const std::string& path) {
  if (path.starts_with(kBuiltin)) {
    const auto text = builtin_script(path.substr(kBuiltin.size()));
    if (text) return std::string(*text);
    return Failure(shown_path(path) + ": no such script; expected one of " +
                   std::string(builtin_names()));
  }
  auto text = read_start_of(path, kMaxFileBytes + 1, Pipes::kRead);
  if (!text) {
    return Failure(shown_path(path) + ": " + text.error() +
                   "; expected a readable file");
  }
  if (text->size() > kMaxFileBytes) {
    return Failure(shown_path(path) + ": is longer; expected at most 1 MiB");
  }
  if (text->find('\0') != std::string::npos) {
    return Failure(shown_path(path) + ": has a zero byte; expected text");
  }
  return *std::move(text);
}

struct Weighted {
  std::string path;
  std::uint32_t weight = 1;
};

Result<Weighted> parse_weighted(std::string_view given) {
  constexpr std::uint32_t kMaxWeight = 1'000'000'000;
  const std::size_t at = given.rfind('@');
  if (at == std::string_view::npos) return Weighted{.path = std::string(given)};
  const std::string_view text = given.substr(at + 1);
  Weighted weighted{.path = std::string(given.substr(0, at)), .weight = 0};
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, weighted.weight);
  if (read.ec != std::errc() || read.ptr != end ||
      weighted.weight > kMaxWeight || at == 0) {
    return Failure(shown_path(given) +
                   ": expected a file, then @ and a weight from 0 to "
                   "1000000000, or none");
  }
  return weighted;
}

void make_distinct(std::vector<Script>& scripts) {
  std::set<std::string> taken;
  for (Script& script : scripts) {
    std::string name = script.name;
    for (int i = 2; !taken.insert(name).second; ++i) {
      name = script.name + "_" + std::to_string(i);
    }
    if (name == script.name) continue;
    for (Command& command : script.commands) {
      auto* const sql = std::get_if<SqlCommand>(&command.what);
      if (sql == nullptr) continue;
      sql->query_name.replace(0, script.name.size(), name);
    }
    script.name = std::move(name);
  }
}

// The names that a command cannot do without: those in SQL stay as they are
// where nobody sets them.
std::vector<std::string> needed_by(const Command& command) {
  std::vector<std::string> names;
  if (const auto* set = std::get_if<SetCommand>(&command.what)) {
    add_variables_of(set->value, names);
  } else if (const auto* branch = std::get_if<BranchCommand>(&command.what)) {
    add_variables_of(branch->condition, names);
  } else if (const auto* sleep = std::get_if<SleepCommand>(&command.what)) {
    const auto* name = std::get_if<VariableName>(&sleep->amount);
    if (name != nullptr) names.push_back(name->name);
  }
  return names;
}

// A client's variables outlast a script, so that another may set them. What
// \gset sets is not known before it runs.
std::optional<std::string> undefined_variable(
    const std::vector<Script>& scripts) {
  std::set<std::string> known;
  for (const Script& script : scripts) {
    for (const Command& command : script.commands) {
      const auto* sql = std::get_if<SqlCommand>(&command.what);
      if (sql != nullptr && sql->kept != KeptRow::kNone) return std::nullopt;
      const auto* set = std::get_if<SetCommand>(&command.what);
      if (set != nullptr) known.insert(set->variable);
    }
  }
  for (const Script& script : scripts) {
    for (const Command& command : script.commands) {
      for (const std::string& name : needed_by(command)) {
        if (known.contains(name) || is_client_fact(name)) continue;
        return script.file + ":" + std::to_string(command.line) + ": " +
               std::string(name_of(command)) + ": undefined variable \"" +
               name + "\"; expected a \\set of it";
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Script> load_script(const std::string& path, std::uint32_t weight) {
  auto text = text_of_script(path);
  if (!text) return Failure(std::move(text.error()));
  Script script{.name = name_from(path),
                .file = shown_path(path),
                .weight = weight,
                .is_builtin = path.starts_with(kBuiltin),
                .commands = {}};
  auto commands = parse_commands(script.name, *text);
  script.text = *std::move(text);
  if (!commands) return Failure(shown_path(path) + ":" + commands.error());
  if (commands->empty())
    return Failure(shown_path(path) + ": is empty; expected a command");
  script.commands = *std::move(commands);
  return script;
}

Result<std::vector<Script>> load_scripts(std::span<const std::string> given) {
  if (given.size() > kMaxScripts) {
    return Failure(std::to_string(given.size()) +
                   " scripts given; expected at most " +
                   std::to_string(kMaxScripts));
  }
  std::vector<Script> scripts;
  std::uint64_t weights = 0;
  for (const std::string& each : given) {
    auto weighted = parse_weighted(each);
    if (!weighted) return Failure(std::move(weighted.error()));
    auto script = load_script(weighted->path, weighted->weight);
    if (!script) return Failure(std::move(script.error()));
    weights += script->weight;
    scripts.push_back(*std::move(script));
  }
  if (weights == 0)
    return Failure("no script has a weight; expected one above 0");
  make_distinct(scripts);
  if (auto problem = undefined_variable(scripts)) {
    return Failure(*std::move(problem));
  }
  return scripts;
}

}  // namespace dbpool::exporter::script
