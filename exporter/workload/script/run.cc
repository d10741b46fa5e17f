#include "exporter/workload/script/run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

namespace dbpool::exporter::script {
namespace {

// Nobody sleeps longer, and sums of times stay far from the clock's end.
constexpr Duration kLongestPause = std::chrono::hours(24 * 365);

}  // namespace

Result<Run::Step> Run::next() {
  const auto failed = [this](const std::string& message) {
    return tl::unexpected(at_command(message));
  };
  while (at_ < script_.commands.size()) {
    current_ = at_++;
    const auto& what = script_.commands[current_].what;
    if (const auto* sql = std::get_if<SqlCommand>(&what)) {
      return Step(query(*sql));
    }
    if (const auto* sleep = std::get_if<SleepCommand>(&what)) {
      return pause(*sleep);
    }
    if (const auto* to_set = std::get_if<SetCommand>(&what)) {
      if (auto done = set(*to_set); !done) return failed(done.error());
    } else if (const auto* branch = std::get_if<BranchCommand>(&what)) {
      const auto condition = evaluate(branch->condition, variables_, random_);
      if (!condition) return failed(condition.error());
      if (!is_true(*condition)) at_ = branch->otherwise;
    } else {
      at_ = std::get<JumpCommand>(what).target;
    }
  }
  return Step(End());
}

Result<void> Run::set(const SetCommand& command) {
  auto value = evaluate(command.value, variables_, random_);
  if (!value) return tl::unexpected(std::move(value.error()));
  variables_.set(command.variable, *value);
  return {};
}

Result<Run::Step> Run::pause(const SleepCommand& command) const {
  double amount = 0;
  if (const auto* name = std::get_if<VariableName>(&command.amount)) {
    const auto number = variables_.value(name->name).and_then(to_double);
    if (!number) return tl::unexpected(at_command(number.error()));
    amount = std::trunc(*number);
  } else {
    amount = static_cast<double>(std::get<std::int64_t>(command.amount));
  }
  const auto most = static_cast<double>(kLongestPause / command.unit);
  // What is no number is no pause.
  const double units = amount > 0 ? std::min(amount, most) : 0;
  return Step(Pause{command.unit * static_cast<std::int64_t>(units)});
}

Run::Query Run::query(const SqlCommand& command) const {
  Query query{.name = command.query_name, .sql = {}, .prepare = true};
  for (const SqlPart& part : command.parts) {
    if (part.is_variable) {
      query.sql += variables_.text(part.variable(), part.text);
      query.prepare = false;
    } else {
      query.sql += part.text;
    }
  }
  return query;
}

Result<void> Run::take(const Rows& rows) {
  const auto& sql = std::get<SqlCommand>(script_.commands[current_].what);
  if (sql.kept == KeptRow::kNone) return {};
  if (sql.kept == KeptRow::kOnly && rows.size() != 1) {
    return tl::unexpected(at_command("\\gset: expected one row, got " +
                                     std::to_string(rows.size())));
  }
  if (rows.empty()) return {};
  for (std::size_t column = 0; column < rows.columns(); ++column) {
    const std::string name = sql.prefix + std::string(rows.name(column));
    if (!is_variable_name(name)) {
      return tl::unexpected(
          at_command("a column's name is not one of a variable"));
    }
    variables_.set_text(name, std::string(rows.raw(rows.size() - 1, column)));
  }
  return {};
}

std::string Run::at_command(std::string_view message) const {
  const Command& command = script_.commands[current_];
  return script_.file + ":" + std::to_string(command.line) + ": " +
         std::string(name_of(command)) + ": " + std::string(message);
}

}  // namespace dbpool::exporter::script
