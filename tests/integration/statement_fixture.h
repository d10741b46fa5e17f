// What the tests of statements share: connections to a database of their own
// on the shared server.
#ifndef DBPOOL_TESTS_INTEGRATION_STATEMENT_FIXTURE_H_
#define DBPOOL_TESTS_INTEGRATION_STATEMENT_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "dbpool/connect.h"
#include "tests/integration/patience.h"
#include "tests/support/eventually.h"
#include "tests/support/postgres.h"

namespace dbpool::test {

// For a machine that may be very busy.
inline ConnectOptions patient_options() {
  ConnectOptions options;
  options.timeout = kLongEnough;
  options.cancel_grace = kLongEnough;
  return options;
}

inline std::unique_ptr<Connection> open_connection(
    const std::string& url, const ConnectOptions& options = patient_options()) {
  auto connected = connect(ConnectionString::parse(url).value(), options);
  if (!connected) throw std::runtime_error(connected.error().message);
  return std::move(connected->connection);
}

inline const std::string& statement_database() {
  static const std::string name =
      shared_postgres().create_database("statements");
  return name;
}

// Over the Unix socket, as the superuser.
inline std::unique_ptr<Connection> open_connection(
    const ConnectOptions& options = patient_options()) {
  return open_connection(shared_postgres().url(statement_database()), options);
}

// Over TCP, as the app role.
inline std::unique_ptr<Connection> open_tcp_connection(
    const ConnectOptions& options = patient_options()) {
  return open_connection(shared_postgres().tcp_url(statement_database()),
                         options);
}

// The rows, or a failed test and no rows.
inline Rows must(Expected<Rows> result) {
  if (result) return std::move(*result);
  ADD_FAILURE() << result.error().message;
  return {};
}

// The error, or a failed test.
inline Error error_of(Expected<Rows> result) {
  if (!result) return std::move(result.error());
  ADD_FAILURE() << "the statement has succeeded";
  return {};
}

inline std::string text_of(Connection& connection, const Statement& statement,
                           const Params& params = {}) {
  const Rows rows = must(connection.execute(statement, params));
  if (rows.size() != 1 || rows.columns() != 1) {
    ADD_FAILURE() << statement.sql << " gives " << rows.size() << " rows";
    return {};
  }
  return std::string(rows.raw(0, 0));
}

// What pg_stat_activity says of a backend ("" when it is gone).
inline std::string backend_state(const Postgres& server, int pid) {
  const auto rows = server.sql("SELECT state FROM pg_stat_activity WHERE pid=" +
                               std::to_string(pid));
  return rows.empty() ? "" : rows[0][0];
}

// Waits until the backend runs a statement (and has been seen to).
inline bool await_state(const Postgres& server, int pid,
                        const std::string& state) {
  return eventually(kLongEnough,
                    [&] { return backend_state(server, pid) == state; });
}

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_INTEGRATION_STATEMENT_FIXTURE_H_
