#ifndef DBPOOL_TESTS_SUPPORT_POSTGRES_H_
#define DBPOOL_TESTS_SUPPORT_POSTGRES_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {

// The role that every cluster has beside the superuser "postgres": it may
// log in, and owns the databases that create_database makes.
inline constexpr std::string_view kAppUser = "app";
inline constexpr std::string_view kAppPassword = "app-Passw0rd";

class Postgres;

struct PostgresOptions {
  // Lines of postgresql.conf, after the default ones ("max_connections = 5").
  std::vector<std::string> config = {};
  // Lines of pg_hba.conf, before the default ones, which are: over the Unix
  // socket `trust` for all, over 127.0.0.1 `scram-sha-256` for all.
  std::vector<std::string> hba = {};
  // Files in the data folder, name → contents; 0600, the server's own
  // ("server.key" for `ssl = on`).
  std::map<std::string, std::string> files = {};
  bool start = true;
  // A streaming standby of that one, which must have started, and let WAL
  // senders in over its socket.
  const Postgres* standby_of = nullptr;
};

// Of a server that speaks TLS with this certificate.
PostgresOptions with_tls(const KeyPair& own);

enum class StopMode { kSmart, kFast, kImmediate };

using SqlRows = std::vector<std::vector<std::string>>;  // NULL is ""

// A private PostgreSQL cluster in a temp folder, on a Unix socket and on a
// free port of 127.0.0.1. Stopped and removed at destruction; it dies with
// the thread that started it (see Child). All methods throw
// std::runtime_error with the server's log when something fails. Not
// thread-safe, except for the accessors of constants and sql().
class Postgres {
 public:
  explicit Postgres(PostgresOptions options = {});
  ~Postgres();
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  // Constant while it lives.
  const std::string& socket_dir() const { return dir_.path(); }
  std::string data_dir() const { return dir_.path() + "/data"; }
  int port() const { return port_; }

  // URLs for libpq: over the socket as the superuser (or `user`), and over
  // TCP as the app role with its password.
  std::string url(const std::string& database = "postgres",
                  const std::string& user = "postgres") const;
  std::string tcp_url(const std::string& database = "postgres") const;

  void launch();  // starts it without waiting until it accepts
  void start();   // starts it and waits
  void stop(StopMode mode = StopMode::kFast);
  void restart(StopMode mode = StopMode::kFast);
  void kill();    // SIGKILL to the postmaster; its backends notice and end
  void pause();   // SIGSTOP to the postmaster: nothing new is accepted
  void resume();  // SIGCONT
  bool running() { return child_ && child_->running(); }
  pid_t pid() const { return child_ ? child_->pid() : -1; }

  // Waits until it accepts (true), or ends or refuses until the deadline.
  bool wait_until_ready(
      std::chrono::milliseconds deadline = std::chrono::seconds(60));

  // Appends lines to postgresql.conf; reload() makes them count, or a restart.
  void configure(const std::vector<std::string>& lines);
  // Writes one of the options' files; the same holds.
  void set_file(const std::string& name, const std::string& contents);
  // Replaces the lines of pg_hba.conf that the options gave.
  void set_hba(const std::vector<std::string>& lines);
  void reload();

  // Runs SQL as the superuser over a connection of its own; the rows of the
  // last statement.
  SqlRows sql(const std::string& text,
              const std::string& database = "postgres") const;
  // The only value of the only row.
  std::string sql_value(const std::string& text,
                        const std::string& database = "postgres") const;

  // A fresh, empty database, owned by the app role; its name.
  std::string create_database(const std::string& prefix = "test");

  std::string log() const;

 private:
  void write_configuration();
  void give_to_server(const std::string& path) const;
  void copy_from(const Postgres& primary) const;
  bool start_once(std::chrono::milliseconds deadline);
  void signal_and_wait(int number, std::chrono::milliseconds deadline);
  [[noreturn]] void fail(const std::string& what) const;

  const PostgresOptions options_;
  const TempDir dir_;
  int port_ = 0;
  bool was_up_ = false;
  int databases_ = 0;
  std::optional<Child> child_;
};

// The cluster that all tests of this process share, started at its first use.
// Take a database of your own from it, and leave the server as it was: what
// stops or reconfigures a server needs one of its own.
Postgres& shared_postgres();

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_POSTGRES_H_
