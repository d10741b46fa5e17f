// usage: dbpool_load_bench [seconds of a round] [pairs of rounds]
//
// Two promises, on the program itself with a pool of 32 connections that 64
// clients keep busy with SELECT 1:
//   (a) a scrape takes under 5 ms at the median;
//   (b) 50 scrapes a second change the throughput by less than 2 %.
// For (b) rounds with and without scrapes alternate (ABBA) and are compared
// in pairs, so that a machine that slows down slows both. Many short rounds
// tell more than few long ones: the noise is slower than they are.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/measures.h"
#include "tests/support/http_client.h"
#include "tests/support/net.h"
#include "tests/support/postgres.h"
#include "tests/support/process.h"

namespace dbpool::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kConnections = 32;
constexpr int kClients = 64;
constexpr double kScrapesPerSecond = 50;
constexpr double kWantedScrapeMs = 5;
constexpr double kWantedRatio = 0.98;

// The exporter under its load, and one connection that scrapes it.
class Target {
 public:
  explicit Target(const test::Postgres& postgres)
      : port_(test::free_port()),
        process_(DBPOOL_EXPORTER_PROGRAM, arguments(port_),
                 {{"DATABASE_URL", postgres.url()},
                  {"DB_POOL_MAX", std::to_string(kConnections)},
                  {"DB_POOL_MIN", std::to_string(kConnections)},
                  {"DB_LOG_QUERIES", "false"}}) {
    if (!process_.wait_for_line("listening", std::chrono::seconds(30))) {
      throw std::runtime_error(process_.output());
    }
  }

  std::string scrape() {
    if (!connection_) connection_.emplace(port_);
    if (!connection_->send("GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n")) {
      throw std::runtime_error("the exporter does not take a request");
    }
    return connection_->receive().body;
  }
  // Without one: an idle one is closed by the server.
  void disconnect() { connection_.reset(); }

 private:
  static std::vector<std::string> arguments(int port) {
    return {"--web.listen-address=127.0.0.1:" + std::to_string(port),
            "--workload.sql=bench=SELECT 1",
            "--workload.clients=" + std::to_string(kClients),
            "--log.level=info"};
  }

  const int port_;
  test::Process process_;
  std::optional<test::HttpConnection> connection_;
};

struct Round {
  double requests_per_second = 0;
  double cpu_us_per_request = 0;  // of the exporter, not of PostgreSQL
  std::vector<double> scrapes_ms;
};

Round run_round(Target& target, Seconds length, bool is_scraped) {
  Round round;
  const std::string first = target.scrape();
  const auto start = Clock::now();
  const auto end = start + std::chrono::duration_cast<Clock::duration>(length);
  if (is_scraped) {
    for (int i = 1; Clock::now() < end; ++i) {
      std::this_thread::sleep_until(start +
                                    std::chrono::duration_cast<Clock::duration>(
                                        Seconds(i / kScrapesPerSecond)));
      const auto before = Clock::now();
      target.scrape();
      round.scrapes_ms.push_back(Seconds(Clock::now() - before).count() * 1e3);
    }
  } else {
    target.disconnect();
    std::this_thread::sleep_until(end);
  }
  const std::string last = target.scrape();
  const double elapsed = Seconds(Clock::now() - start).count();
  const auto difference = [&](const char* name) {
    return sum_of(last, name) - sum_of(first, name);
  };
  const double requests = difference("dbpool_workload_requests_total");
  if (difference("dbpool_workload_failures_total") > 0 || requests <= 0) {
    throw std::runtime_error("the workload fails:\n" + last);
  }
  round.requests_per_second = requests / elapsed;
  round.cpu_us_per_request =
      difference("process_cpu_seconds_total") / requests * 1e6;
  return round;
}

void print_ratio(const char* what, const std::vector<double>& ratios) {
  const Interval interval = confidence(ratios);
  std::printf("%-44s %.4f ± %.4f (95 %%)\n", what, interval.mean,
              interval.half_width);
}

int measure(Seconds length, int pairs) {
  test::PostgresOptions options;
  options.config = {"max_connections = 100"};
  const test::Postgres postgres(std::move(options));
  Target target(postgres);
  run_round(target, length, true);  // warms up

  std::vector<double> throughput;
  std::vector<double> cpu;
  std::vector<double> scrapes;
  std::vector<double> plain_rate;
  for (int i = 0; i < pairs; ++i) {
    const bool scraped_first = i % 2 == 1;
    const Round one = run_round(target, length, scraped_first);
    const Round two = run_round(target, length, !scraped_first);
    const Round& scraped = scraped_first ? one : two;
    const Round& plain = scraped_first ? two : one;
    throughput.push_back(scraped.requests_per_second /
                         plain.requests_per_second);
    cpu.push_back(scraped.cpu_us_per_request / plain.cpu_us_per_request);
    plain_rate.push_back(plain.requests_per_second);
    scrapes.insert(scrapes.end(), scraped.scrapes_ms.begin(),
                   scraped.scrapes_ms.end());
  }

  const double median_ms = quantile(scrapes, 0.5);
  std::printf("requests a second without scrapes            %.0f\n",
              quantile(plain_rate, 0.5));
  std::printf("scrape under full load, median               %.2f ms (< %.0f)\n",
              median_ms, kWantedScrapeMs);
  std::printf("scrape under full load, 99 %%                 %.2f ms\n",
              quantile(scrapes, 0.99));
  print_ratio("throughput with 50 scrapes/s : without", throughput);
  print_ratio("CPU per request with 50 scrapes/s : without", cpu);
  // The upper end of the interval: only a loss beyond the noise fails.
  const Interval interval = confidence(throughput);
  const bool is_good = median_ms < kWantedScrapeMs &&
                       interval.mean + interval.half_width > kWantedRatio;
  std::printf("%s\n", is_good ? "as promised" : "NOT as promised");
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  try {
    const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 0.3;
    const int pairs = argc > 2 ? std::atoi(argv[2]) : 150;
    if (!(seconds > 0) || pairs < 2) {
      std::fputs("usage: dbpool_load_bench [seconds] [pairs]\n", stderr);
      return 2;
    }
    return dbpool::bench::measure(dbpool::bench::Seconds(seconds), pairs);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
