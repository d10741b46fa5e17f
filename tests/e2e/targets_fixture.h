// Targets of /probe in tests: servers that answer, and listeners that do not.
#ifndef DBPOOL_TESTS_E2E_TARGETS_FIXTURE_H_
#define DBPOOL_TESTS_E2E_TARGETS_FIXTURE_H_

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/e2e/exporter.h"
#include "tests/support/net.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {

// Takes connections and says nothing.
class BlackHole {
 public:
  BlackHole() : port_(free_port()), socket_(listen_on(port_)) {}

  int port() const noexcept { return port_; }
  // Blocks until somebody connects, who is kept.
  void wait_for_client() {
    while (!has_client(std::chrono::seconds(1))) {
    }
    clients_.emplace_back(::accept(socket_.get(), nullptr, nullptr));
  }
  // Whether somebody has connected, or does within that time.
  bool has_client(std::chrono::milliseconds within = {}) const {
    pollfd polled{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&polled, 1, static_cast<int>(within.count())) > 0;
  }

 private:
  const int port_;
  const UniqueFd socket_;
  std::vector<UniqueFd> clients_;
};

// What stands in the file for a module that may ask for all of this machine's
// servers, as the planted role; `more` are further keys, each with its comma.
inline std::string module_text(const std::string& name,
                               const std::string& more = "") {
  return "  " + name +
         ": {user: planted, password: " + std::string(kPlantedPassword) +
         ", database: postgres, targets: {hosts: [localhost, \"*.test\"], "
         "networks: [127.0.0.0/8, \"::1\"], allow_loopback: true}" +
         more + "}\n";
}

inline std::string target_text(int port, const std::string& database = "") {
  return "127.0.0.1:" + std::to_string(port) +
         (database.empty() ? "" : "/" + database);
}

// Sessions of the planted role that `postgres` has now.
inline int planted_sessions(const Postgres& postgres) {
  return std::stoi(postgres.sql_value(
      "SELECT count(*) FROM pg_stat_activity WHERE usename = 'planted'"));
}

// Spellings of 127.0.0.1:PORT, and ways to say more than a target, which no
// module may be asked for that allows "*.test" and 10.0.0.0/8 alone.
inline std::vector<std::string> attacks_on(int port) {
  const std::string p = std::to_string(port);
  return {"127.0.0.1:" + p,
          "127.1:" + p,
          "2130706433:" + p,
          "0x7f000001:" + p,
          "0x7f.0.0.1:" + p,
          "0177.0.0.1:" + p,
          "017700000001:" + p,
          "127.0.0.1.:" + p,
          "0.0.0.0:" + p,
          "0:" + p,
          "[::]:" + p,
          "[::1]:" + p,
          "[::ffff:127.0.0.1]:" + p,
          "[::ffff:7f00:1]:" + p,
          "[::127.0.0.1]:" + p,
          "[64:ff9b::7f00:1]:" + p,
          "localhost:" + p,
          "LOCALHOST.:" + p,
          "localhost.localdomain:" + p,
          "a.test@127.0.0.1:" + p,
          "a.test:" + p + "@127.0.0.1:" + p,
          "10.0.0.1,127.0.0.1:" + p,
          "10.0.0.1:" + p + ",127.0.0.1:" + p,
          "10.0.0.1:" + p + "/x hostaddr=127.0.0.1",
          "10.0.0.1:" + p + "/x' hostaddr='127.0.0.1",
          "10.0.0.1:" + p + "/dbname=x hostaddr=127.0.0.1 port=" + p,
          "10.0.0.1:" + p + "/postgresql://127.0.0.1:" + p + "/x",
          "10.0.0.1:" + p + "/x?hostaddr=127.0.0.1",
          "10.0.0.1:" + p + "/x&hostaddr=127.0.0.1",
          "10.0.0.1:" + p + "/service=x",
          "10.0.0.1:" + p + "/%00hostaddr",
          "10.0.0.1:" + p + "\nhostaddr=127.0.0.1",
          "10.0.0.1:" + p + "\r\nHost: 127.0.0.1",
          "postgresql://127.0.0.1:" + p + "/x",
          "http://127.0.0.1:" + p,
          "/tmp",
          "/tmp/.s.PGSQL." + p,
          "%2Ftmp:" + p,
          "@abstract:" + p,
          "169.254.169.254:" + p,
          "[fe80::1]:" + p,
          "[fe80::1%25lo]:" + p,
          "evil.example:" + p,
          "test:" + p,
          "evil-test:" + p,
          "a.test.evil.example:" + p,
          "a.test#.evil.example:" + p,
          "a.test\\.evil.example:" + p};
}

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_E2E_TARGETS_FIXTURE_H_
