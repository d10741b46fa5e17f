// One whole life of a pool on a real PostgreSQL: open, query from several
// threads and asynchronously, drain. Run under valgrind it must lose nothing.
#include <asio/use_future.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "dbpool/pool.h"
#include "tests/support/postgres.h"

namespace {

// Valgrind makes all of it some twenty times slower.
constexpr std::chrono::seconds kPatience(120);

template <typename T>
T value_or_throw(dbpool::Expected<T> expected) {
  if (!expected) throw std::runtime_error(expected.error().message);
  return std::move(*expected);
}

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

void query(dbpool::Pool& pool, int number) {
  dbpool::Lease lease =
      value_or_throw(pool.acquire(dbpool::Clock::now() + kPatience));
  const dbpool::Rows rows =
      value_or_throw(lease->execute({"echo", "SELECT $1::int"}, {number}));
  expect(value_or_throw(rows.get<int>(0, 0)) == number, "wrong answer");
}

// Errors of a thread end the program, which is a failure too.
void query_from_threads(dbpool::Pool& pool) {
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&pool, thread] {
      for (int i = 0; i < 10; ++i) query(pool, 100 * thread + i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void query_asynchronously(dbpool::Pool& pool) {
  auto leased =
      pool.async_acquire(dbpool::Clock::now() + kPatience, asio::use_future);
  dbpool::Lease lease = value_or_throw(leased.get());
  auto answered =
      lease->async_execute({"one", "SELECT 1"}, {}, asio::use_future);
  expect(value_or_throw(answered.get()).size() == 1, "no row");
}

void fail_a_statement(dbpool::Pool& pool) {
  dbpool::Lease lease =
      value_or_throw(pool.acquire(dbpool::Clock::now() + kPatience));
  expect(!lease->execute("SELECT 1 / 0"), "a division by zero succeeded");
}

void run() {
  dbpool::test::Postgres postgres;
  dbpool::PoolOptions options;
  options.max_connections = 3;
  options.open_timeout = kPatience;
  options.statement_timeout = kPatience;
  dbpool::Pool pool = value_or_throw(dbpool::Pool::create(
      value_or_throw(dbpool::ConnectionString::parse(postgres.tcp_url())),
      options));

  query_from_threads(pool);
  query_asynchronously(pool);
  fail_a_statement(pool);

  const dbpool::CloseReport report =
      pool.close(dbpool::Clock::now() + kPatience);
  expect(report.clean(), "leases were left");
  expect(pool.stats().total == 0, "connections were left");
}

}  // namespace

int main() {
  try {
    run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "open, query, drain: %s\n", error.what());
    return 1;
  }
  std::puts("open, query, drain: done");
  return 0;
}
