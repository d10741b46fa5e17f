#include "tests/support/pgbouncer.h"

#include <signal.h>

#include <exception>
#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/net.h"
#include "tests/support/pg_session.h"
#include "tests/support/postgres_template.h"

namespace dbpool::test {

PgBouncer::PgBouncer(const Postgres& server, PoolMode mode)
    : port_(free_port()), config_(dir_.path() + "/pgbouncer.ini") {
  const std::string users = dir_.path() + "/users.txt";
  const std::string user(kAppUser);
  write_file(users, '"' + user + "\" \"\"\n");
  write_file(
      config_,
      "[databases]\n* = host=" + server.socket_dir() +
          " port=" + std::to_string(server.port()) +
          "\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " +
          std::to_string(port_) +
          "\nunix_socket_dir =\nauth_type = trust\nauth_file = " + users +
          "\nadmin_users = " + user + "\npool_mode = " +
          (mode == PoolMode::kSession ? "session" : "transaction") + "\n");
  for (const std::string& path : {dir_.path(), users, config_}) {
    give_to_server_user(path);
  }
  start();
}

void PgBouncer::start() {
  ChildOptions options;
  options.program = "pgbouncer";
  options.args = {config_};
  const ServerUser user = server_user();
  options.uid = user.uid;
  options.gid = user.gid;
  child_.emplace(options);
  const bool is_up = eventually(std::chrono::seconds(60), [this] {
    if (!child_->running()) return true;
    try {
      connect_to(port_);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  });
  if (!is_up || !child_->running()) {
    throw std::runtime_error("pgbouncer did not start");
  }
}

void PgBouncer::stop() {
  child_->send_signal(SIGTERM);
  if (!child_->wait(std::chrono::seconds(60))) {
    throw std::runtime_error("pgbouncer does not stop");
  }
}

void PgBouncer::command(const std::string& text) const {
  PgSession(url("pgbouncer")).execute(text);
}

std::string PgBouncer::url(const std::string& database) const {
  return "postgresql://" + std::string(kAppUser) +
         "@127.0.0.1:" + std::to_string(port_) + "/" + database +
         "?sslmode=disable";
}

}  // namespace dbpool::test
