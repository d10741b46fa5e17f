#include "tests/bench/frugal/program.h"

#include <chrono>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/measures.h"
#include "tests/bench/process_figures.h"
#include "tests/support/eventually.h"
#include "tests/support/http_client.h"
#include "tests/support/net.h"
#include "tests/support/process.h"

namespace dbpool::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double kMostStartMs = 100;
constexpr double kMostRestMb = 15;
constexpr double kMostRestCpu = 0.1;  // % of a core
constexpr Seconds kRest(30);

class Program {
 public:
  Program(const std::string& database_url,
          std::map<std::string, std::string> environment = {},
          std::vector<std::string> arguments = {})
      : port_(test::free_port()),
        process_(DBPOOL_EXPORTER_PROGRAM,
                 with_address(port_, std::move(arguments)),
                 with_url(database_url, std::move(environment))) {}

  pid_t pid() const { return process_.pid(); }

  // False: it does not answer yet.
  bool try_scrape(std::string* page) {
    try {
      *page = test::http_get(port_, "/metrics").body;
      return true;
    } catch (const std::runtime_error&) {
      if (process_.running()) return false;
      throw std::runtime_error(process_.output());
    }
  }

  // Scrapes until the page says so.
  void wait_until(const std::function<bool(const std::string&)>& holds,
                  std::chrono::milliseconds pause) {
    std::string page;
    const bool held = test::eventually(
        std::chrono::seconds(60),
        [&] { return try_scrape(&page) && holds(page); }, pause);
    if (!held) throw std::runtime_error(page + process_.output());
  }

 private:
  static std::vector<std::string> with_address(
      int port, std::vector<std::string> arguments) {
    arguments.push_back("--web.listen-address=127.0.0.1:" +
                        std::to_string(port));
    return arguments;
  }
  static std::map<std::string, std::string> with_url(
      const std::string& url, std::map<std::string, std::string> environment) {
    environment["DATABASE_URL"] = url;
    return environment;
  }

  const int port_;
  test::Process process_;
};

double megabytes(long kib) { return static_cast<double>(kib) * 1.024e-3; }

double start_ms(const std::string& database_url) {
  constexpr int kRounds = 7;
  std::vector<double> times;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = Clock::now();
    Program program(database_url);
    program.wait_until([](const std::string&) { return true; },
                       std::chrono::milliseconds(1));
    times.push_back(Seconds(Clock::now() - start).count() * 1e3);
  }
  return quantile(times, 0.5);
}

std::string url_of(int port) {
  return "postgresql://app:secret@127.0.0.1:" + std::to_string(port) + "/app";
}

}  // namespace

void measure_start(Sheet& sheet, const test::Postgres& postgres) {
  sheet.promise("exec to first scrape, database up",
                start_ms(postgres.tcp_url()), kMostStartMs, "ms");
  sheet.promise("exec to first scrape, nothing listens there",
                start_ms(url_of(test::free_port())), kMostStartMs, "ms");
  const int silent = test::free_port();
  const test::UniqueFd listener = test::listen_on(silent, 100);
  sheet.promise("exec to first scrape, nothing answers there",
                start_ms(url_of(silent)), kMostStartMs, "ms");
}

void measure_rest(Sheet& sheet, const test::Postgres& postgres) {
  Program program(postgres.tcp_url());
  program.wait_until(
      [](const std::string& page) {
        return sum_of(page, "dbpool_idle_connections") >= 2 &&
               sum_of(page, "dbpool_up") == 1;
      },
      std::chrono::milliseconds(50));
  const Memory memory = memory_of(program.pid());
  sheet.promise("resident memory after start", megabytes(memory.resident_kib),
                kMostRestMb, "MB");
  sheet.remark("of that heap and stacks", megabytes(memory.own_kib), "MB");
  const auto before = cpu_time_of(program.pid());
  std::this_thread::sleep_for(kRest);
  const auto used = cpu_time_of(program.pid()) - before;
  sheet.promise("CPU at rest, of one core", used / kRest * 100, kMostRestCpu,
                "%");
  sheet.remark("resident memory after it",
               megabytes(memory_of(program.pid()).resident_kib), "MB");
}

void measure_waiting(Sheet& sheet, const test::Postgres& postgres) {
  constexpr int kConnections = 10;
  Program program(postgres.url(),
                  {{"DB_POOL_MAX", std::to_string(kConnections)},
                   {"DB_MAX_WAITING", std::to_string(kManyWaiting)},
                   {"DB_CONNECTION_TIMEOUT_MS", "3600000"},
                   {"DB_LOG_QUERIES", "false"}},
                  {"--workload.clients=" + std::to_string(kManyWaiting),
                   "--workload.hold=1h"});
  program.wait_until(
      [](const std::string& page) {
        return sum_of(page, "dbpool_waiting_requests") >=
               kManyWaiting - kConnections;
      },
      std::chrono::milliseconds(50));
  const Memory memory = memory_of(program.pid());
  sheet.promise("the program with 100 000 waiting clients, at its most",
                megabytes(memory.peak_kib), kMostWaitingMb, "MB");
}

}  // namespace dbpool::bench
