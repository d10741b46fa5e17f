#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

#include "exporter/base/ascii.h"
#include "exporter/workload/script/script.h"
#include "exporter/workload/script/splitter.h"

namespace dbpool::exporter::script {
namespace {

using Failure = tl::unexpected<std::string>;
using Done = Result<void>;

constexpr std::string_view kBlank = " \t\r\n\f\v";

// The first word of `text`, which it loses.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlank));
  text.remove_prefix(word.size());
  return word;
}

// What stands for variables, apart from the rest. "::" is a cast.
std::vector<SqlPart> parts_of(std::string_view sql) {
  std::vector<SqlPart> parts;
  std::string plain;
  for (std::size_t at = 0; at < sql.size();) {
    if (sql[at] != ':') {
      plain += sql[at++];
      continue;
    }
    const std::size_t name =
        std::min(sql.find_first_not_of(':', at), sql.size());
    const bool is_variable =
        name == at + 1 && name < sql.size() && is_variable_start(sql[name]);
    if (!is_variable) {
      plain += sql.substr(at, name - at);
      at = name;
      continue;
    }
    const auto* const end =
        std::ranges::find_if_not(sql.substr(name), is_variable_character);
    if (!plain.empty()) parts.push_back({std::exchange(plain, {}), false});
    parts.push_back({std::string(sql.begin() + at, end), true});
    at = static_cast<std::size_t>(end - sql.begin());
  }
  if (!plain.empty()) parts.push_back({std::move(plain), false});
  return parts;
}

std::optional<Duration> unit_of(std::string_view word) {
  const std::string unit = in_lower_case(word);
  if (unit == "us") return std::chrono::microseconds(1);
  if (unit == "ms") return std::chrono::milliseconds(1);
  if (unit == "s" || unit.empty()) return std::chrono::seconds(1);
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::string_view script_name) : script_name_(script_name) {}

  Result<std::vector<Command>> parse(std::string_view text);

 private:
  // An \if without its \endif, so far.
  struct Open {
    std::size_t line = 0;
    std::optional<std::size_t> branch = {};  // to be told where to go on
    std::vector<std::size_t> jumps = {};     // to its end
  };

  Done take(const Piece& piece);
  void take_sql(const Piece& piece);
  Done take_set(std::string_view arguments);
  Done take_sleep(std::string_view arguments);
  Done take_if(std::string_view arguments);
  Done take_elif(std::string_view arguments);
  Done take_else(std::string_view arguments);
  Done take_endif(std::string_view arguments);
  Done keep_row(std::string_view arguments, KeptRow kept);

  Done branch_on(std::string_view text);
  // Ends the branch under way.
  Done end_branch();

  Failure mistake(std::string_view message) const {
    return Failure(std::to_string(line_) + ": \\" + shown(command_) + ": " +
                   std::string(message));
  }
  void add(decltype(Command::what) what) {
    commands_.push_back({.line = line_, .what = std::move(what)});
  }

  const std::string_view script_name_;
  std::vector<Command> commands_;
  std::vector<Open> open_;
  std::size_t line_ = 0;  // of the command at hand
  std::string command_;   // its name, in lower case
  bool is_after_sql_ = false;
};

Result<std::vector<Command>> Parser::parse(std::string_view text) {
  Splitter splitter(text);
  for (;;) {
    auto piece = splitter.next();
    if (!piece) return Failure(std::move(piece.error()));
    if (piece->kind == Piece::Kind::kEnd) break;
    line_ = piece->line;
    if (piece->kind == Piece::Kind::kSql) {
      take_sql(*piece);
    } else if (Done done = take(*piece); !done) {
      return Failure(std::move(done.error()));
    }
  }
  if (!open_.empty()) {
    line_ = open_.back().line;
    command_ = "if";
    return mistake("not ended; expected an \\endif");
  }
  return std::move(commands_);
}

Done Parser::take(const Piece& piece) {
  std::string_view rest = piece.text;
  command_ = in_lower_case(take_word(rest));
  using Taker = Done (Parser::*)(std::string_view);
  struct Known {
    std::string_view name;
    Taker taker;
  };
  constexpr std::array<Known, 6> kKnown = {{{"set", &Parser::take_set},
                                            {"sleep", &Parser::take_sleep},
                                            {"if", &Parser::take_if},
                                            {"elif", &Parser::take_elif},
                                            {"else", &Parser::take_else},
                                            {"endif", &Parser::take_endif}}};
  if (command_ == "gset") return keep_row(rest, KeptRow::kOnly);
  if (command_ == "aset") return keep_row(rest, KeptRow::kLast);
  is_after_sql_ = false;
  for (const auto& [name, taker] : kKnown) {
    if (command_ == name) return (this->*taker)(rest);
  }
  return mistake(
      "not supported; expected one of \\set, \\sleep, \\if, \\elif, \\else, "
      "\\endif, \\gset, \\aset");
}

void Parser::take_sql(const Piece& piece) {
  add(SqlCommand{.query_name = std::string(script_name_) + ":" +
                               std::to_string(piece.line),
                 .parts = parts_of(piece.text)});
  is_after_sql_ = true;
}

Done Parser::take_set(std::string_view arguments) {
  const std::string_view name = take_word(arguments);
  if (!is_variable_name(name)) {
    return mistake("expected a variable of letters, digits and _ first");
  }
  auto value = parse_expression(arguments);
  if (!value) return mistake(value.error() + "; expected an expression");
  add(SetCommand{.variable = std::string(name), .value = *std::move(value)});
  return {};
}

Done Parser::take_sleep(std::string_view arguments) {
  constexpr std::string_view kExpected =
      "expected a whole number or :variable, then us, ms or s";
  const std::string_view amount = take_word(arguments);
  std::string_view unit = take_word(arguments);
  SleepCommand sleep;
  if (amount.starts_with(':')) {
    if (!is_variable_name(amount.substr(1))) return mistake(kExpected);
    sleep.amount = VariableName{std::string(amount.substr(1))};
  } else {
    const char* begin = amount.data();
    const char* const end = begin + amount.size();
    if (amount.starts_with('+')) ++begin;
    std::int64_t number = 0;
    const auto read = std::from_chars(begin, end, number);
    if (read.ec != std::errc()) return mistake(kExpected);
    if (read.ptr != end && !unit.empty()) return mistake(kExpected);
    if (read.ptr != end) unit = {read.ptr, end};
    sleep.amount = number;
  }
  const auto length = unit_of(unit);
  if (!length || !take_word(arguments).empty()) return mistake(kExpected);
  sleep.unit = *length;
  add(std::move(sleep));
  return {};
}

Done Parser::branch_on(std::string_view text) {
  auto condition = parse_expression(text);
  if (!condition) {
    return mistake(condition.error() + "; expected an expression");
  }
  open_.back().branch = commands_.size();
  add(BranchCommand{.condition = *std::move(condition)});
  return {};
}

Done Parser::take_if(std::string_view arguments) {
  open_.push_back({.line = line_});
  return branch_on(arguments);
}

Done Parser::end_branch() {
  if (open_.empty()) return mistake("expected an \\if before it");
  Open& open = open_.back();
  if (!open.branch) return mistake("stands after \\else; expected \\endif");
  open.jumps.push_back(commands_.size());
  add(JumpCommand());
  std::get<BranchCommand>(commands_[*open.branch].what).otherwise =
      commands_.size();
  open.branch.reset();
  return {};
}

Done Parser::take_elif(std::string_view arguments) {
  if (Done done = end_branch(); !done) return done;
  return branch_on(arguments);
}

Done Parser::take_else(std::string_view arguments) {
  if (!take_word(arguments).empty()) return mistake("expected no argument");
  return end_branch();
}

Done Parser::take_endif(std::string_view arguments) {
  if (!take_word(arguments).empty()) return mistake("expected no argument");
  if (open_.empty()) return mistake("expected an \\if before it");
  const Open& open = open_.back();
  if (open.branch) {
    std::get<BranchCommand>(commands_[*open.branch].what).otherwise =
        commands_.size();
  }
  for (const std::size_t jump : open.jumps) {
    std::get<JumpCommand>(commands_[jump].what).target = commands_.size();
  }
  open_.pop_back();
  return {};
}

// Belongs to the statement before it.
Done Parser::keep_row(std::string_view arguments, KeptRow kept) {
  const std::string_view prefix = take_word(arguments);
  if (!take_word(arguments).empty()) return mistake("expected one prefix");
  if (!prefix.empty() && !is_variable_name(prefix)) {
    return mistake("expected a prefix of letters, digits and _");
  }
  if (!std::exchange(is_after_sql_, false)) {
    return mistake("expected a statement before it");
  }
  auto& sql = std::get<SqlCommand>(commands_.back().what);
  sql.kept = kept;
  sql.prefix = prefix;
  return {};
}

}  // namespace

std::string_view name_of(const Command& command) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"SQL", "\\set", "\\sleep",
                                                      "\\if", ""};
  return kNames.at(command.what.index());
}

Result<std::vector<Command>> parse_commands(std::string_view script_name,
                                            std::string_view text) {
  return Parser(script_name).parse(text);
}

}  // namespace dbpool::exporter::script
