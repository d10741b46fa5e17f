#include "tests/bench/frugal/openings.h"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "dbpool/pool.h"
#include "tests/bench/measures.h"
#include "tests/bench/must.h"
#include "tests/support/process.h"

namespace dbpool::bench {
namespace {

constexpr int kOpenings = 50;
constexpr Duration kBetween = std::chrono::milliseconds(20);
constexpr int kPairs = 12;
constexpr int kClients = 4;
constexpr double kMostRatio = 1.2;

// A pool whose connections are good for one lease: each acquire opens one.
void open_by_turns(const std::string& url,
                   const std::function<void()>& on_begin) {
  PoolOptions options;
  options.max_connections = 1;
  options.min_connections = 0;
  options.max_uses = 1;
  options.acquire_timeout = std::chrono::minutes(1);
  Pool pool = must(Pool::create(must(ConnectionString::parse(url)), options));
  must(pool.acquire());
  on_begin();
  const TimePoint start = Clock::now();
  for (int i = 1; i <= kOpenings; ++i) {
    must(pool.acquire());
    std::this_thread::sleep_until(start + i * kBetween);
  }
  if (pool.stats().opened < kOpenings) {
    throw std::runtime_error("openings are missing");
  }
}

// Clients that query one after the other on a loop of their own, and take down
// how long each query took.
class Queries {
 public:
  explicit Queries(const std::string& url) : pool_(open_pool(url)) {
    for (int i = 0; i < kClients; ++i) {
      asio::co_spawn(loop_, run_client(),
                     [](const std::exception_ptr& failure) {
                       if (failure) std::rethrow_exception(failure);
                     });
    }
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Queries() {
    asio::post(loop_, [this] { running_ = false; });
    thread_.join();
  }
  Queries(const Queries&) = delete;
  Queries& operator=(const Queries&) = delete;

  // In microseconds, since it was called last.
  std::vector<double> take_times() {
    return asio::post(loop_, asio::use_future(
                                 [this] { return std::exchange(times_, {}); }))
        .get();
  }

 private:
  static Pool open_pool(const std::string& url) {
    PoolOptions options;
    options.max_connections = kClients;
    options.min_connections = kClients;
    return must(Pool::create(must(ConnectionString::parse(url)), options));
  }

  asio::awaitable<void> run_client() {
    Lease lease = must(co_await pool_.async_acquire({}, asio::use_awaitable));
    while (running_) {
      const TimePoint start = Clock::now();
      must(co_await lease->async_execute("SELECT 1", {}, asio::use_awaitable));
      times_.push_back(
          std::chrono::duration<double, std::micro>(Clock::now() - start)
              .count());
    }
  }

  Pool pool_;
  asio::io_context loop_{1};
  // The loop's only.
  bool running_ = true;
  std::vector<double> times_;
  std::thread thread_;
};

double percentile_99(Queries& queries) {
  const std::vector<double> times = queries.take_times();
  if (times.empty()) throw std::runtime_error("no query has ended");
  return quantile(times, 0.99);
}

double with_own_openings(Queries& queries, const std::string& url) {
  open_by_turns(url, [&] { queries.take_times(); });
  return percentile_99(queries);
}

double with_others_openings(Queries& queries, const std::string& url) {
  constexpr auto kLongest = std::chrono::minutes(1);
  test::Process other("/proc/self/exe", {"openings"}, {{"DATABASE_URL", url}});
  if (!other.wait_for_line("begins", kLongest)) {
    throw std::runtime_error(other.output());
  }
  queries.take_times();
  if (other.wait(kLongest) != 0) throw std::runtime_error(other.output());
  return percentile_99(queries);
}

}  // namespace

void measure_openings(Sheet& sheet, const test::Postgres& postgres) {
  Queries queries(postgres.url());
  const std::string url = postgres.tcp_url();
  std::vector<double> ratios;
  std::vector<double> others;
  for (int i = 0; i < kPairs; ++i) {
    const bool own_first = i % 2 == 0;
    double own = own_first ? with_own_openings(queries, url) : 0;
    const double other = with_others_openings(queries, url);
    if (!own_first) own = with_own_openings(queries, url);
    ratios.push_back(own / other);
    others.push_back(other);
  }
  sheet.promise("99 % of queries, 50 openings/s here : elsewhere",
                quantile(ratios, 0.5), kMostRatio, "");
  sheet.remark("99 % of queries, openings elsewhere", quantile(others, 0.5),
               "µs");
}

void run_openings(const std::string& url) {
  open_by_turns(url, [] {
    std::puts("begins");
    std::fflush(stdout);
  });
}

}  // namespace dbpool::bench
