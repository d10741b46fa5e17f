#include "pool/src/session/statement_report.h"

#include <optional>
#include <string_view>

#include "dbpool/events.h"

namespace dbpool::detail {
namespace {

constexpr std::string_view kUnnamed = "unnamed";

// What statistics say of an error. A caller's own cancel is no failure; too
// large a result costs the connection.
std::optional<StatementFailure> failure_of(const Error* error) noexcept {
  if (error == nullptr) return std::nullopt;
  return error->kind == ErrorKind::kResultTooLarge
             ? StatementFailure::kConnectionLost
             : error->statement_failure;
}

}  // namespace

void report_statement(const SessionContext& context, const Statement& statement,
                      const Params& params, Duration duration,
                      const Error* error) {
  if (error != nullptr && error->kind == ErrorKind::kUsage) return;
  if (context.statistics) {
    context.statistics->record(statement.name, duration, failure_of(error));
  }
  if (!context.sink) return;
  context.sink->statement_finished(
      {.pool = context.pool_name,
       .name = statement.name.empty() ? kUnnamed : statement.name,
       .sql = statement.sql,
       .parameter_count = params.size(),
       .duration = duration,
       .error = error});
}

}  // namespace dbpool::detail
