#include "pool/src/session/statement_error.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "pool/src/base/text.h"
#include "pool/src/secrets/known_secret.h"
#include "pool/src/secrets/scan.h"
#include "pool/src/session/pg_result.h"

namespace dbpool::detail {
namespace {

constexpr std::size_t kMaxParams = 65535;  // 16 bits in the protocol
// The server ends a session that sends more in one message (MaxAllocSize),
// less some room for what surrounds the values.
constexpr std::size_t kMaxMessageBytes = 0x3fff'0000;
constexpr std::size_t kMaxTextBytes = 500;
// A longer message holds values or a text of the author's; it is not shown.
constexpr std::size_t kMaxSearchedBytes = 16 * 1024;
// A longer statement is not searched for what it keeps secret.
constexpr std::size_t kMaxSearchedSql = 64 * 1024;

void hide_values(std::string& text, const Params& params) {
  for (const Param& param : params.values()) {
    if (!param.is_null && !param.is_binary) hide_secret(text, param.value);
  }
}

bool holds(std::string_view text, std::string_view part) {
  return !std::ranges::search(text, part, {}, to_lower, to_lower).empty();
}

// A server quotes a statement's words where it takes exception to them. Of a
// statement that holds a secret only what may be shown is left in quotes.
void hide_quoted_words(std::string& text, std::string_view sql) {
  const std::string visible = redact(sql.substr(0, kMaxSearchedSql));
  if (sql.size() <= kMaxSearchedSql && visible == sql) return;
  std::string result;
  std::string_view rest = text;
  while (true) {
    const std::size_t begin = rest.find('"');
    result += rest.substr(0, begin);
    if (begin == std::string_view::npos) break;
    rest.remove_prefix(begin + 1);
    // A place may hold quotes itself, and the message ends there.
    const std::size_t end =
        result.ends_with("at or near ") ? rest.rfind('"') : rest.find('"');
    const std::string_view word = rest.substr(0, end);
    result.append(1, '"').append(holds(visible, word) ? word : kMask);
    if (end == std::string_view::npos) break;
    result += '"';
    rest.remove_prefix(end + 1);
  }
  text = std::move(result);
}

// PgBouncer (transaction mode) and its like hand each transaction another
// server session, which knows nothing of what another one has prepared.
std::string_view hint_for(std::string_view sqlstate) {
  return sqlstate == "26000" || sqlstate == "42P05"
             ? "; a pooler in transaction mode loses prepared statements: use "
               "its session mode, or set PoolOptions::max_prepared_statements "
               "to 0"
             : "";
}

bool is_on(const char* parameter) noexcept {
  return parameter != nullptr && std::string_view(parameter) == "on";
}

}  // namespace

std::string milliseconds(Duration duration) {
  using Milliseconds = std::chrono::milliseconds;
  return std::to_string(
             std::chrono::duration_cast<Milliseconds>(duration).count()) +
         " ms";
}

Error usage_error(std::string message) {
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = std::move(message);
  return error;
}

Error statement_error(StatementFailure failure, Outcome outcome,
                      std::string message, std::string_view sqlstate) {
  Error error;
  error.kind = ErrorKind::kStatement;
  error.statement_failure = failure;
  error.outcome = outcome;
  error.sqlstate = sqlstate;
  error.message = std::move(message);
  return error;
}

std::optional<Error> find_usage_error(std::string_view sql,
                                      const Params& params) {
  if (params.size() > kMaxParams) {
    return usage_error(std::to_string(params.size()) +
                       " parameters; a statement has at most " +
                       std::to_string(kMaxParams));
  }
  if (sql.find('\0') != std::string_view::npos) {
    return usage_error("the statement's text holds a zero byte");
  }
  std::size_t bytes = sql.size();
  std::size_t number = 0;
  for (const Param& param : params.values()) {
    ++number;
    bytes += param.value.size() + sizeof(std::int32_t);
    if (!param.is_binary && param.value.find('\0') != std::string::npos) {
      return usage_error("parameter $" + std::to_string(number) +
                         " is text with a zero byte, which PostgreSQL cannot "
                         "hold; send it as Bytes");
    }
  }
  if (bytes > kMaxMessageBytes) {
    return usage_error("statement and parameters take " +
                       std::to_string(bytes) + " bytes; the server takes " +
                       std::to_string(kMaxMessageBytes));
  }
  return std::nullopt;
}

std::string server_message(const Session& session, std::string_view sql,
                           const PGresult* result, const Params& params) {
  const std::string_view sqlstate = sqlstate_of(result);
  std::string text(error_field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (text.size() > kMaxSearchedBytes) {
    text = "an error message of " + std::to_string(text.size()) +
           " bytes, not shown";
  }
  text = redact(hide_secrets_of(session.pg(), text));
  hide_values(text, params);
  hide_quoted_words(text, sql);
  std::string message = one_line(text, kMaxTextBytes);
  message += " (SQLSTATE ";
  message += sqlstate;
  message += ')';
  message += hint_for(sqlstate);
  return message;
}

std::string lost_message(const Session& session) {
  std::string reason = one_line(
      redact(hide_secrets_of(session.pg(), PQerrorMessage(session.pg()))),
      kMaxTextBytes);
  if (reason.empty()) reason = "the server ended the session";
  return "connection to " + session.host() + " lost: " + reason;
}

StatementFailure classify(const PGresult* result) noexcept {
  if (sqlstate_of(result) != kQueryCanceled) {
    return StatementFailure::kServerError;
  }
  // The same code tells that somebody called pg_cancel_backend. Only the
  // text differs; a translated one counts as the likelier timeout.
  const auto text = error_field(result, PG_DIAG_MESSAGE_PRIMARY);
  return text.find("user request") != std::string_view::npos
             ? StatementFailure::kServerError
             : StatementFailure::kTimeout;
}

bool should_retire(PGconn* connection, std::string_view sqlstate) noexcept {
  if (sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03") {
    return true;
  }
  if (sqlstate != "25006") return false;
  // A transaction that its caller made read-only says nothing of the server.
  // Servers before 14 report neither: then a new connection is the answer.
  const char* const standby = PQparameterStatus(connection, "in_hot_standby");
  const char* const read_only =
      PQparameterStatus(connection, "default_transaction_read_only");
  if (standby == nullptr || read_only == nullptr) return true;
  return is_on(standby) || is_on(read_only);
}

bool is_stale_plan(const PGresult* result) noexcept {
  // Raised within a function it comes with a context, and after effects.
  if (!error_field(result, PG_DIAG_CONTEXT).empty()) return false;
  const auto sqlstate = sqlstate_of(result);
  if (sqlstate == "26000") return true;
  // 0A000 is every feature that is missing; this function is the one that
  // says "cached plan must not change result type".
  return sqlstate == "0A000" && error_field(result, PG_DIAG_SOURCE_FUNCTION) ==
                                    "RevalidateCachedQuery";
}

}  // namespace dbpool::detail
