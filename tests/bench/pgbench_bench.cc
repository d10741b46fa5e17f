// usage: dbpool_pgbench_bench [seconds of a round] [pairs of rounds]
//
// One promise: a script at low load (four clients that sleep most of the
// time, a connection for each) runs as often as pgbench runs it with the same
// clients and seconds, within 5 %. Without the sleep the same is printed, and
// not promised.
// Rounds of both alternate (ABBA) and are compared in pairs.

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/measures.h"
#include "tests/support/child.h"
#include "tests/support/http_client.h"
#include "tests/support/net.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace dbpool::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double kWanted = 0.05;
constexpr double kWarmUp = 40;  // requests
const std::string kClients = "4";

constexpr const char* kTransaction = R"(\set aid random(1, 100000 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime)
  VALUES (1, 1, :aid, :delta, CURRENT_TIMESTAMP);
END;
)";

double rate_of_pgbench(const test::Postgres& postgres,
                       const std::string& script, int seconds) {
  const std::string output = test::run_to_end(
      {.program = "pgbench",
       .args = {"-n", "-c", kClients, "-T", std::to_string(seconds), "-f",
                script, postgres.url()},
       .env = {{"LC_ALL", "C"}},
       .working_dir = {}});
  const std::string key = "tps = ";
  const auto at = output.find(key);
  if (at == std::string::npos) throw std::runtime_error(output);
  return std::strtod(output.c_str() + at + key.size(), nullptr);
}

double rate_of_workload(const test::Postgres& postgres,
                        const std::string& script, int seconds) {
  const int port = test::free_port();
  test::Process process(
      DBPOOL_EXPORTER_PROGRAM,
      {"--web.listen-address=127.0.0.1:" + std::to_string(port),
       "--workload.script=" + script, "--workload.clients=" + kClients},
      {{"DATABASE_URL", postgres.url()},
       {"DB_POOL_MAX", kClients},
       {"DB_POOL_MIN", kClients},
       {"DB_LOG_QUERIES", "false"}});
  if (!process.wait_for_line("listening", std::chrono::seconds(30))) {
    throw std::runtime_error(process.output());
  }
  const auto page = [&] { return test::http_get(port, "/metrics").body; };
  const auto requests = [&] {
    return sum_of(page(), "dbpool_workload_requests_total");
  };
  // pgbench's rate is without the time that connecting takes, too.
  while (requests() < kWarmUp && process.running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const double first = requests();
  const auto start = Clock::now();
  std::this_thread::sleep_until(start + std::chrono::seconds(seconds));
  const double ran = requests() - first;
  const double elapsed = Seconds(Clock::now() - start).count();
  if (sum_of(page(), "dbpool_workload_failures_total") > 0) {
    throw std::runtime_error("the workload fails:\n" + process.output());
  }
  process.send_signal(SIGTERM);
  process.wait(std::chrono::seconds(30));
  return ran / elapsed;
}

Interval compare(const test::Postgres& postgres, const std::string& script,
                 int seconds, int pairs) {
  std::vector<double> ratios;
  for (int i = 0; i < pairs; ++i) {
    double theirs = 0;
    if (i % 2 == 0) theirs = rate_of_pgbench(postgres, script, seconds);
    const double ours = rate_of_workload(postgres, script, seconds);
    if (i % 2 == 1) theirs = rate_of_pgbench(postgres, script, seconds);
    ratios.push_back(ours / theirs);
    std::printf("  pgbench %.1f, workload %.1f a second\n", theirs, ours);
  }
  return confidence(ratios);
}

int measure(int seconds, int pairs) {
  const test::Postgres postgres;
  const test::TempDir dir;
  test::run_to_end({.program = "pgbench",
                    .args = {"-i", "-q", "-s", "1", postgres.url()},
                    .env = {},
                    .working_dir = {}});
  const std::string low = dir.path() + "/low.sql";
  const std::string full = dir.path() + "/full.sql";
  test::write_file(low, std::string(kTransaction) + "\\sleep 50 ms\n");
  test::write_file(full, kTransaction);
  const Interval at_low = compare(postgres, low, seconds, pairs);
  std::printf("low load, workload : pgbench    %.3f ± %.3f (95 %%)\n",
              at_low.mean, at_low.half_width);
  std::fflush(stdout);
  const Interval at_full = compare(postgres, full, seconds, pairs);
  std::printf("without sleep, workload : pgbench %.3f ± %.3f (95 %%)\n",
              at_full.mean, at_full.half_width);
  const bool is_good = at_low.mean > 1 - kWanted && at_low.mean < 1 + kWanted;
  std::printf("%s\n", is_good ? "as promised" : "NOT as promised");
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  try {
    const int seconds = argc > 1 ? std::atoi(argv[1]) : 5;
    const int pairs = argc > 2 ? std::atoi(argv[2]) : 4;
    if (seconds < 1 || pairs < 2) {
      std::fputs("usage: dbpool_pgbench_bench [seconds] [pairs]\n", stderr);
      return 2;
    }
    return dbpool::bench::measure(seconds, pairs);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
