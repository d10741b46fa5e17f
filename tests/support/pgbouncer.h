#ifndef DBPOOL_TESTS_SUPPORT_PGBOUNCER_H_
#define DBPOOL_TESTS_SUPPORT_PGBOUNCER_H_

#include <optional>
#include <string>

#include "tests/support/child.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {

// A real PgBouncer before a cluster, on 127.0.0.1, in session mode; it lets
// the app role in without a password. Ended with this object. Throws
// std::runtime_error when it does not start.
class PgBouncer {
 public:
  explicit PgBouncer(const Postgres& server);

  std::string url(const std::string& database) const;

 private:
  const TempDir dir_;
  const int port_;
  std::optional<Child> child_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_PGBOUNCER_H_
