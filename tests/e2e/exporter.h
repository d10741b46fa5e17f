#ifndef DBPOOL_TESTS_E2E_EXPORTER_H_
#define DBPOOL_TESTS_E2E_EXPORTER_H_

#include <signal.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/metrics_page.h"
#include "tests/support/http_client.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"

namespace dbpool::test {

// For what happens at once unless the machine is stuck.
inline constexpr std::chrono::seconds kLiveness{60};

// The role that every test connects as, with a password that must appear
// nowhere: neither as it is, nor encoded, nor in part.
inline constexpr std::string_view kPlantedUser = "planted";
inline constexpr std::string_view kPlantedPassword = "pl4nt/ed@S3cret";
inline constexpr std::string_view kPlantedEncoded = "pl4nt%2Fed%40S3cret";

// Makes the role, with pg_monitor unless `monitor` is false.
void create_planted_role(const Postgres& postgres, bool monitor = true);
// Over TCP, as the planted role with the planted password.
std::string planted_url(int port, const std::string& database = "postgres");
std::string planted_url(const Postgres& postgres);

// Fails the test when `text` holds the planted password or a part of it.
void expect_no_secret(const std::string& text, const std::string& where);

struct ExporterOptions {
  std::string database_url = {};  // DATABASE_URL, unless empty
  std::vector<std::string> args = {};
  // Unless set here, DB_LOG_QUERIES is false.
  std::map<std::string, std::string> env = {};
  bool listen = true;       // on a free port of 127.0.0.1
  std::string runner = {};  // a program that runs the one it is given
};

// dbpool_exporter as a process. All of its output, and all that get() and
// page() receive, is searched for the planted password.
class Exporter {
 public:
  explicit Exporter(ExporterOptions options);
  ~Exporter();

  // Waits until it listens. Throws std::runtime_error with its output when
  // it does not.
  int port();

  HttpResponse get(const std::string& target, const HttpRequest& request = {});
  MetricsPage page();

  // Scrapes until `holds` does; false at the deadline.
  bool eventually_page(const std::function<bool(const MetricsPage&)>& holds,
                       std::chrono::milliseconds deadline = kLiveness);
  // For a line of its output; see Process::wait_for_line.
  bool wait_for_log(const std::string& regex,
                    std::chrono::milliseconds deadline = kLiveness);

  void send_signal(int number) { process_.send_signal(number); }
  // The exit code; nullopt if it still runs at the deadline.
  std::optional<int> wait(std::chrono::milliseconds deadline = kLiveness) {
    return process_.wait(deadline);
  }
  // Sends the signal and waits.
  std::optional<int> stop(int number = SIGTERM) {
    send_signal(number);
    return wait();
  }

  bool running() { return process_.running(); }
  pid_t pid() const { return process_.pid(); }
  std::string output() const { return process_.output(); }

 private:
  Process process_;
  int port_ = 0;
};

// The lines of a text, without those that are empty.
std::vector<std::string> lines_of(const std::string& text);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_E2E_EXPORTER_H_
