#ifndef DBPOOL_TESTS_SUPPORT_PG_SESSION_H_
#define DBPOOL_TESTS_SUPPORT_PG_SESSION_H_

#include <libpq-fe.h>

#include <memory>
#include <string>

namespace dbpool::test {

// A session with a database, over libpq alone: somebody who is not the pool.
// Throws std::runtime_error when it cannot connect or a statement fails.
class PgSession {
 public:
  explicit PgSession(const std::string& url);

  void execute(const std::string& sql);

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_PG_SESSION_H_
