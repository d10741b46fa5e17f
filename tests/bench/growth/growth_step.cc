// usage: dbpool_growth_step blocking | dbpool_growth_step async
//
// One step of dbpool_growth_bench, as a process of its own: clients on pools,
// each with SELECT 1. Blocking: a thread for each client. Asynchronous: the
// clients are coroutines on one loop. Beside what meter.h reads:
//   BENCH_POOLS  so many pools share connections and clients
//   BENCH_NAMES  so many names of queries, in turn
// Ends with 1 when the pools did not count each statement under its name, or
// under `other` beyond the bound.

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/pool.h"
#include "tests/bench/must.h"
#include "tests/bench/peers/meter.h"

namespace dbpool::bench {
namespace {

class Step {
 public:
  Step() {
    const auto pools = static_cast<int>(environment_number("BENCH_POOLS"));
    const auto names = static_cast<int>(environment_number("BENCH_NAMES"));
    for (int i = 0; i < names; ++i) {
      names_.push_back("query_" + std::to_string(i));
    }
    for (int i = 0; i < pools; ++i) {
      pools_.push_back(open_pool(task_.connections / pools));
    }
  }

  void run_blocking() {
    measure(task_, task_.clients, [&](int thread, Tally& tally) {
      Pool& pool = pool_of(thread);
      while (tally.running()) {
        const TimePoint start = Clock::now();
        Lease lease = must(pool.acquire());
        const Duration wait = Clock::now() - start;
        must(lease->execute(next_statement()));
        lease.release();
        tally.done(wait);
      }
    });
  }

  void run_async() {
    measure(task_, 1, [&](int, Tally& tally) {
      asio::io_context loop(1);
      for (int i = 0; i < task_.clients; ++i) {
        asio::co_spawn(loop, run_client(pool_of(i), tally),
                       [](const std::exception_ptr& failure) {
                         if (failure) std::rethrow_exception(failure);
                       });
      }
      loop.run();
    });
  }

  void check_counts() const {
    const PoolOptions defaults;
    const std::size_t bound = defaults.max_query_names;
    std::uint64_t counted = 0;
    std::uint64_t folded = 0;
    for (const Pool& pool : pools_) {
      const PoolStats stats = pool.stats();
      if (stats.queries.size() > std::min(names_.size(), bound) + 1) {
        throw std::runtime_error("more names than the bound");
      }
      for (const QueryStats& query : stats.queries) {
        counted += query.total;
        if (query.name == "other") folded += query.total;
      }
    }
    if (counted != statements_) {
      throw std::runtime_error(std::to_string(counted) + " counted of " +
                               std::to_string(statements_));
    }
    if ((folded > 0) != (names_.size() > bound && statements_ > bound)) {
      throw std::runtime_error("other has " + std::to_string(folded));
    }
  }

 private:
  // All the connections are open when it returns.
  Pool open_pool(int connections) const {
    PoolOptions options;
    options.max_connections = static_cast<std::uint32_t>(connections);
    options.min_connections = options.max_connections;
    options.max_concurrent_openings = 32;
    options.max_waiting_requests = 1'000'000;
    options.acquire_timeout = std::chrono::minutes(10);
    Pool pool = must(
        Pool::create(must(ConnectionString::parse("postgresql://")), options));
    std::vector<Lease> leases;
    for (int i = 0; i < connections; ++i) {
      leases.push_back(must(pool.acquire()));
    }
    return pool;
  }

  Pool& pool_of(int client) {
    return pools_[static_cast<std::size_t>(client) % pools_.size()];
  }

  Statement next_statement() {
    const std::uint64_t number =
        statements_.fetch_add(1, std::memory_order_relaxed);
    return {names_[number % names_.size()], "SELECT 1"};
  }

  asio::awaitable<void> run_client(Pool& pool, Tally& tally) {
    while (tally.running()) {
      const TimePoint start = Clock::now();
      Lease lease = must(co_await pool.async_acquire({}, asio::use_awaitable));
      const Duration wait = Clock::now() - start;
      if (!tally.running()) co_return;  // there may be many more in the queue
      must(co_await lease->async_execute(next_statement(), {},
                                         asio::use_awaitable));
      lease.release();
      tally.done(wait);
    }
  }

  const Task task_;
  std::vector<std::string> names_;
  std::vector<Pool> pools_;
  std::atomic<std::uint64_t> statements_{0};
};

int run(std::string_view way) {
  Step step;
  if (way == "blocking") {
    step.run_blocking();
  } else {
    step.run_async();
  }
  step.check_counts();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  const std::string_view way = argc > 1 ? argv[1] : "";
  if (way != "blocking" && way != "async") {
    std::fputs("usage: dbpool_growth_step blocking|async\n", stderr);
    return 2;
  }
  try {
    return dbpool::bench::run(way);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
