// usage: dbpool_peer blocking | dbpool_peer async|pipelined THREADS
//
// This pool. Blocking: a thread for each client. Asynchronous: the clients are
// coroutines, spread over as many loops as there are threads. Pipelined: the
// same without leases, their statements sharing the connections.

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/pool.h"
#include "tests/bench/must.h"
#include "tests/bench/peers/meter.h"

namespace dbpool::bench {
namespace {

constexpr std::uint32_t kPipelineDepth = 8;

// All the connections are open when it returns.
Pool open_pool(const Task& task, std::uint32_t pipeline_depth) {
  PoolOptions options;
  options.pipeline_depth = pipeline_depth;
  options.max_connections = static_cast<std::uint32_t>(task.connections);
  options.min_connections = options.max_connections;
  options.acquire_timeout = std::chrono::seconds(60);
  Pool pool = must(
      Pool::create(must(ConnectionString::parse("postgresql://")), options));
  std::vector<Lease> leases;
  for (int i = 0; i < task.connections; ++i) {
    leases.push_back(must(pool.acquire()));
  }
  return pool;
}

const Statement& select_one() {
  static const Statement statement("bench", "SELECT 1");
  return statement;
}

void run_blocking(const Task& task, Pool& pool) {
  measure(task, task.clients, [&](int, Tally& tally) {
    while (tally.running()) {
      if (!task.queries) {
        must(pool.acquire());
        tally.done();
        continue;
      }
      const TimePoint start = Clock::now();
      Lease lease = must(pool.acquire());
      const Duration wait = Clock::now() - start;
      must(lease->execute(select_one()));
      lease.release();
      tally.done(wait);
    }
  });
}

asio::awaitable<void> run_client(Pool& pool, Tally& tally) {
  while (tally.running()) {
    const TimePoint start = Clock::now();
    Lease lease = must(co_await pool.async_acquire({}, asio::use_awaitable));
    const Duration wait = Clock::now() - start;
    must(co_await lease->async_execute(select_one(), {}, asio::use_awaitable));
    lease.release();
    tally.done(wait);
  }
}

asio::awaitable<void> run_sharing_client(Pool& pool, Tally& tally) {
  while (tally.running()) {
    must(co_await pool.async_execute(select_one(), {}, asio::use_awaitable));
    tally.done();
  }
}

using Client = asio::awaitable<void> (*)(Pool&, Tally&);

void run_async(const Task& task, Pool& pool, int threads, Client client) {
  measure(task, threads, [&](int thread, Tally& tally) {
    const int share =
        task.clients / threads + (thread < task.clients % threads ? 1 : 0);
    asio::io_context loop(1);
    for (int i = 0; i < share; ++i) {
      asio::co_spawn(loop, client(pool, tally),
                     [](const std::exception_ptr& failure) {
                       if (failure) std::rethrow_exception(failure);
                     });
    }
    loop.run();
  });
}

int run(std::string_view way, int threads) {
  const Task task;
  Pool pool = open_pool(task, way == "pipelined" ? kPipelineDepth : 0);
  if (way == "blocking") {
    run_blocking(task, pool);
  } else {
    run_async(task, pool, threads,
              way == "async" ? run_client : run_sharing_client);
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  const std::string_view way = argc > 1 ? argv[1] : "";
  const int threads = argc > 2 ? std::atoi(argv[2]) : 0;
  const bool is_async = way == "async" || way == "pipelined";
  if (way != "blocking" && (!is_async || threads < 1)) {
    std::fputs(
        "usage: dbpool_peer blocking | dbpool_peer async|pipelined THREADS\n",
        stderr);
    return 2;
  }
  try {
    return dbpool::bench::run(way, threads);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
