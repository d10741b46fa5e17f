// What goes wrong with statements, as Errors for people.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_SESSION_STATEMENT_ERROR_H_
#define DBPOOL_POOL_SRC_SESSION_STATEMENT_ERROR_H_

#include <libpq-fe.h>

#include <optional>
#include <string>
#include <string_view>

#include "dbpool/error.h"
#include "dbpool/result.h"
#include "pool/src/session/session.h"

namespace dbpool::detail {

// 57014 and its like.
inline constexpr std::string_view kQueryCanceled = "57014";

// A duration for people, "1500 ms".
std::string milliseconds(Duration duration);

Error usage_error(std::string message);
Error statement_error(StatementFailure failure, Outcome outcome,
                      std::string message, std::string_view sqlstate = {});

// Refused before sending: too many parameters, text with a zero byte, more
// than the server takes in one message. nullopt if all is well.
std::optional<Error> find_usage_error(std::string_view sql,
                                      const Params& params);

// The server's primary message on one line with its SQLSTATE. Left out are
// DETAIL and what else may hold values. Hidden in the primary message are the
// session's own secrets, values of `params`, and, where `sql` holds a secret
// (see redact()), what is quoted and no visible part of it.
std::string server_message(const Session& session, std::string_view sql,
                           const PGresult* result, const Params& params);

// What libpq says of a connection that broke, on one line.
std::string lost_message(const Session& session);

// The failure that an error of the server is, if no cancel was sent for its
// statement: a statement_timeout of the server's own is kTimeout.
StatementFailure classify(const PGresult* result) noexcept;

// Does the session not do for the next borrower: is it about to be ended, or
// has its server turned read-only?
bool should_retire(PGconn* connection, std::string_view sqlstate) noexcept;

// The server no longer has the prepared statement, or its result type has
// changed. True only for errors raised before anything was executed: then it
// is safe to prepare and run it again.
bool is_stale_plan(const PGresult* result) noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_STATEMENT_ERROR_H_
