#include "tests/support/pgbouncer.h"

#include <exception>
#include <stdexcept>

#include "tests/support/eventually.h"
#include "tests/support/net.h"
#include "tests/support/postgres_template.h"

namespace dbpool::test {

PgBouncer::PgBouncer(const Postgres& server) : port_(free_port()) {
  const std::string users = dir_.path() + "/users.txt";
  const std::string config = dir_.path() + "/pgbouncer.ini";
  write_file(users, '"' + std::string(kAppUser) + "\" \"\"\n");
  write_file(config, "[databases]\n* = host=" + server.socket_dir() +
                         " port=" + std::to_string(server.port()) +
                         "\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
                         "listen_port = " +
                         std::to_string(port_) +
                         "\nunix_socket_dir =\nauth_type = trust\n"
                         "auth_file = " +
                         users + "\npool_mode = session\n");
  for (const std::string& path : {dir_.path(), users, config}) {
    give_to_server_user(path);
  }
  ChildOptions options;
  options.program = "pgbouncer";
  options.args = {config};
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

std::string PgBouncer::url(const std::string& database) const {
  return "postgresql://" + std::string(kAppUser) +
         "@127.0.0.1:" + std::to_string(port_) + "/" + database +
         "?sslmode=disable";
}

}  // namespace dbpool::test
