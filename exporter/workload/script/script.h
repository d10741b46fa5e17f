// Script: a transaction of a workload in pgbench's language, ready to run.
//
// What runs: SQL over one or several lines, \set, \sleep, \if … \endif,
// \gset, \aset, variables (:name, in quotes too). What pgbench knows besides
// (\shell, \setshell, \startpipeline, \endpipeline, \; and debug()) is
// refused.
//
// Thread-safety: plain values.
#ifndef DBPOOL_EXPORTER_WORKLOAD_SCRIPT_SCRIPT_H_
#define DBPOOL_EXPORTER_WORKLOAD_SCRIPT_SCRIPT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dbpool/options.h"
#include "exporter/workload/script/expression.h"

namespace dbpool::exporter::script {

// A stretch of SQL, or `:name`.
struct SqlPart {
  std::string text;  // as it stands in the script
  bool is_variable = false;

  std::string_view variable() const {
    const std::string_view all = text;
    return all.substr(1);
  }
};

// What becomes of the rows of a statement.
enum class KeptRow : std::uint8_t {
  kNone,
  kOnly,  // \gset: there must be exactly one
  kLast,  // \aset: none changes nothing
};

struct SqlCommand {
  std::string query_name;  // the label `query`: <script>:<line>
  std::vector<SqlPart> parts;
  KeptRow kept = KeptRow::kNone;
  std::string prefix = {};  // of the variables that its columns become
};

struct SetCommand {
  std::string variable;
  Expression value;
};

struct SleepCommand {
  std::variant<std::int64_t, VariableName> amount;
  Duration unit{0};
};

// Of \if and \elif: goes on at `otherwise` unless the condition is true.
struct BranchCommand {
  Expression condition;
  std::size_t otherwise = 0;
};

// Where a branch that was taken ends.
struct JumpCommand {
  std::size_t target = 0;
};

struct Command {
  std::size_t line = 0;  // of its beginning, from 1
  std::variant<SqlCommand, SetCommand, SleepCommand, BranchCommand, JumpCommand>
      what;
};

// How a command is called in errors: "SQL", "\set", …
std::string_view name_of(const Command& command) noexcept;

struct Script {
  std::string name;  // the label `workload`
  std::string file;  // as it was given, for errors
  std::uint32_t weight = 1;
  // One of pgbench's own: its :scale is the count of pgbench_branches.
  bool is_builtin = false;
  std::string text = {};  // what `commands` were read from
  std::vector<Command> commands;

  friend bool operator==(const Script& a, const Script& b) {
    return a.name == b.name && a.weight == b.weight &&
           a.is_builtin == b.is_builtin && a.text == b.text;
  }
};

// `text` in pgbench's language. The error begins with the line and has the
// command: "7: \shell: …".
Result<std::vector<Command>> parse_commands(std::string_view script_name,
                                            std::string_view text);

}  // namespace dbpool::exporter::script

#endif  // DBPOOL_EXPORTER_WORKLOAD_SCRIPT_SCRIPT_H_
