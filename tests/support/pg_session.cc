#include "tests/support/pg_session.h"

#include <stdexcept>

namespace dbpool::test {

PgSession::PgSession(const std::string& url)
    : connection_(PQconnectdb(url.c_str()), PQfinish) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  }
}

void PgSession::execute(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(
      PQexec(connection_.get(), sql.c_str()), PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw std::runtime_error(PQresultErrorMessage(result.get()) + sql);
  }
}

}  // namespace dbpool::test
