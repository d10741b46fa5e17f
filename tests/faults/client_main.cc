// usage: dbpool_faults_client, by the harness of this folder
//
// A service with a pool: offers requests in an open loop, and two threads
// block for some more. Each prints what became of it, in the words that
// client.h reads; the environment says how many and where to. On standard
// input it takes `large` and `forever`, and ends with its end.

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "dbpool/pool.h"

namespace dbpool::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMostInFlight = 4000;
constexpr int kThreads = 2;
constexpr std::size_t kLimit = std::size_t{64} << 20;

std::string text_of(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}
int number_of(const char* name, int otherwise) {
  return std::stoi(text_of(name, std::to_string(otherwise).c_str()));
}

struct Kind {
  const char* name;
  const char* sql;
};
constexpr Kind kInsert = {
    "insert", "INSERT INTO ledger (number) VALUES ($1) RETURNING number"};
// Large enough to be cut, and long enough to be met under way.
constexpr Kind kQuery = {
    "query",
    "SELECT $1::bigint, repeat(chr(97 + ($1::bigint % 26)::int), 3000), "
    "pg_sleep(0.01)"};
constexpr Kind kLarge = {
    "large",
    "SELECT $1::bigint, repeat('x', 1000) FROM generate_series(1, 200000)"};
constexpr Kind kForever = {"forever", "SELECT $1::bigint, pg_sleep(1000000)"};

class Service {
 public:
  explicit Service(Pool pool) : pool_(std::move(pool)) {}
  // Until standard input ends.
  void run();

 private:
  asio::awaitable<void> offer();
  asio::awaitable<void> request(Kind kind, std::size_t limit);
  void block(const std::stop_token& stop, std::uint32_t seed);
  void watch(const std::stop_token& stop);
  void obey();

  AcquireOptions acquire_options() const {
    return {Clock::now() + acquire_timeout_};
  }
  // What became of one.
  void tell(Kind kind, std::uint64_t number, TimePoint start, TimePoint got,
            const Expected<Rows>& rows) const;

  const Duration acquire_timeout_ =
      milliseconds(number_of("FAULTS_ACQUIRE_MS", 1000));
  const double rate_ = number_of("FAULTS_RATE", 200);
  const std::uint32_t seed_ =
      static_cast<std::uint32_t>(number_of("FAULTS_SEED", 1));
  Pool pool_;
  std::atomic<std::uint64_t> next_ = 1;
  std::atomic<int> in_flight_ = 0;
  std::atomic<bool> ends_ = false;
  asio::io_context context_{1};
};

long long micros(TimePoint at) {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             at.time_since_epoch())
      .count();
}

void Service::tell(Kind kind, std::uint64_t number, TimePoint start,
                   TimePoint got, const Expected<Rows>& rows) const {
  std::string_view result = "ok";
  std::string_view outcome = "-";
  if (!rows) {
    const Error& error = rows.error();
    result = error.acquire_failure     ? to_string(*error.acquire_failure)
             : error.statement_failure ? to_string(*error.statement_failure)
                                       : to_string(error.kind);
    outcome = to_string(error.outcome);
  } else if (rows->empty() || rows->get<std::uint64_t>(0, 0) != number) {
    result = "crossed";
  }
  std::printf("request %s %llu %lld %lld %lld %.*s %.*s\n", kind.name,
              static_cast<unsigned long long>(number), micros(start),
              micros(got), micros(Clock::now()),
              static_cast<int>(result.size()), result.data(),
              static_cast<int>(outcome.size()), outcome.data());
}

asio::awaitable<void> Service::request(Kind kind, std::size_t limit) {
  const std::uint64_t number = next_++;
  const TimePoint start = Clock::now();
  auto lease =
      co_await pool_.async_acquire(acquire_options(), asio::use_awaitable);
  const TimePoint got = Clock::now();
  if (lease) {
    ExecuteOptions options;
    options.max_result_bytes = limit;
    const auto rows = co_await (*lease)->async_execute(
        {kind.name, kind.sql}, {number}, options, asio::use_awaitable);
    lease->release();
    tell(kind, number, start, got, rows);
  } else {
    tell(kind, number, start, got, tl::unexpected(lease.error()));
  }
  --in_flight_;
}

// Poisson arrivals; what could not be offered in time, since the process
// stood still, is not made up for.
asio::awaitable<void> Service::offer() {
  std::mt19937 random(seed_);
  std::exponential_distribution<double> gap(rate_);
  asio::steady_timer timer(context_);
  TimePoint next = Clock::now();
  while (!ends_) {
    next += std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(gap(random)));
    if (next < Clock::now() - milliseconds(100)) next = Clock::now();
    timer.expires_at(next);
    std::error_code ignored;
    co_await timer.async_wait(
        asio::redirect_error(asio::use_awaitable, ignored));
    if (in_flight_ >= kMostInFlight) continue;
    ++in_flight_;
    asio::co_spawn(context_,
                   request(random() % 2 == 0 ? kInsert : kQuery, kLimit),
                   asio::detached);
  }
}

void Service::block(const std::stop_token& stop, std::uint32_t seed) {
  std::mt19937 random(seed);
  while (!stop.stop_requested()) {
    std::this_thread::sleep_for(milliseconds(20 + random() % 20));
    const Kind kind = random() % 2 == 0 ? kInsert : kQuery;
    const std::uint64_t number = next_++;
    const TimePoint start = Clock::now();
    auto lease = pool_.acquire(acquire_options());
    const TimePoint got = Clock::now();
    if (!lease) {
      tell(kind, number, start, got, tl::unexpected(lease.error()));
      continue;
    }
    const auto rows = (*lease)->execute({kind.name, kind.sql}, {number});
    lease->release();
    tell(kind, number, start, got, rows);
  }
}

// How late a thread wakes here, and what the pool says of itself.
void Service::watch(const std::stop_token& stop) {
  TimePoint due = Clock::now();
  for (int i = 0; !stop.stop_requested(); ++i) {
    due = std::max(due + milliseconds(20), Clock::now());
    std::this_thread::sleep_until(due);
    std::printf("lag %lld\n", micros(Clock::now()) - micros(due));
    if (i % 5 != 0) continue;
    const PoolStats stats = pool_.stats_without_queries();
    const auto failed =
        std::accumulate(stats.connect_failures.begin(),
                        stats.connect_failures.end(), std::uint64_t{0});
    std::printf("pool %lld %llu %llu %u\n", micros(Clock::now()),
                static_cast<unsigned long long>(stats.opened),
                static_cast<unsigned long long>(failed), stats.total);
  }
}

void Service::obey() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const bool is_large = line == "large";
    // One that fits, and one that does not.
    for (const std::size_t limit : {std::size_t{1} << 30, kLimit}) {
      ++in_flight_;
      asio::co_spawn(context_, request(is_large ? kLarge : kForever, limit),
                     asio::detached);
    }
  }
  ends_ = true;
}

void Service::run() {
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i](const std::stop_token& stop) {
      block(stop, seed_ + 100 + i);
    });
  }
  std::jthread watcher([this](const std::stop_token& stop) { watch(stop); });
  asio::co_spawn(context_, offer(), asio::detached);
  std::jthread reader([this] { obey(); });
  context_.run();  // until the last request has ended
  reader.join();
  threads.clear();
  const bool is_clean = pool_.close(Clock::now() + seconds(10)).clean();
  std::printf("closed %s\n", is_clean ? "clean" : "with leases left");
}

int serve() {
  PoolOptions options;
  options.max_connections =
      static_cast<std::uint32_t>(number_of("FAULTS_CONNECTIONS", 10));
  options.statement_timeout =
      milliseconds(number_of("FAULTS_STATEMENT_MS", 2000));
  options.max_prepared_statements =
      static_cast<std::uint32_t>(number_of("FAULTS_PREPARED", 100));
  const auto target = ConnectionString::parse(text_of("FAULTS_URL", ""));
  if (!target) {
    std::fprintf(stderr, "%s\n", target.error().message.c_str());
    return 2;
  }
  auto pool = Pool::create(*target, options);
  if (!pool) {
    std::fprintf(stderr, "%s\n", pool.error().message.c_str());
    return 2;
  }
  Service(*std::move(pool)).run();
  return 0;
}

}  // namespace
}  // namespace dbpool::test

int main() {
  // Whole lines at once.
  std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
  return dbpool::test::serve();
}
