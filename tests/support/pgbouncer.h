#ifndef DBPOOL_TESTS_SUPPORT_PGBOUNCER_H_
#define DBPOOL_TESTS_SUPPORT_PGBOUNCER_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/child.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {

enum class PoolMode : std::uint8_t { kSession, kTransaction };

// A real PgBouncer before a cluster, on 127.0.0.1; it lets the app role in
// without a password. Ended with this object. Throws std::runtime_error when
// it does not start.
class PgBouncer {
 public:
  explicit PgBouncer(const Postgres& server,
                     PoolMode mode = PoolMode::kSession);

  int port() const { return port_; }
  std::string url(const std::string& database) const;

  void start();  // after stop()
  void stop();   // at once: all clients are dropped
  // A command of its console, such as PAUSE.
  void command(const std::string& text) const;

 private:
  const TempDir dir_;
  const int port_;
  const std::string config_;  // a path
  std::optional<Child> child_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_PGBOUNCER_H_
