#include "tests/bench/frugal/waiters.h"

#include <unistd.h>

#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <stdexcept>

#include "dbpool/pool.h"
#include "tests/bench/frugal/program.h"
#include "tests/bench/must.h"
#include "tests/bench/process_figures.h"
#include "tests/support/child.h"

namespace dbpool::bench {
namespace {

// Takes the connection when its turn comes, and gives it back.
asio::awaitable<void> run_client(Pool& pool) {
  const Lease lease =
      must(co_await pool.async_acquire({}, asio::use_awaitable));
}

void start(const std::string& kind, Pool& pool, asio::io_context& loop) {
  for (int i = 0; i < kManyWaiting; ++i) {
    if (kind == "coroutines") {
      asio::co_spawn(loop, run_client(pool), asio::detached);
    } else {
      pool.async_acquire(
          {}, asio::bind_executor(loop, [](const Expected<Lease>& lease) {
            if (!lease) throw std::runtime_error(lease.error().message);
          }));
    }
  }
  loop.poll();  // coroutines begin on their loop
}

struct Costs {
  double all_mb = 0;
  double bytes_each = 0;
};

Costs costs_of(const std::string& kind, const std::string& url) {
  test::ChildOptions options;
  options.program = "/proc/self/exe";
  options.args = {"waiters", kind};
  options.env = {{"DATABASE_URL", url}};
  std::istringstream output(test::run_to_end(options));
  double before = 0;
  double with = 0;
  if (!(output >> before >> with)) throw std::runtime_error(output.str());
  return {.all_mb = with * 1.024e-3,
          .bytes_each = (with - before) * 1024 / kManyWaiting};
}

}  // namespace

void measure_waiters(Sheet& sheet, const std::string& url) {
  const Costs coroutines = costs_of("coroutines", url);
  const Costs callbacks = costs_of("callbacks", url);
  sheet.promise("the library with 100 000 waiting coroutines",
                coroutines.all_mb, kMostWaitingMb, "MB");
  sheet.remark("a coroutine that waits", coroutines.bytes_each, "B");
  sheet.promise("the library with 100 000 waiting callbacks", callbacks.all_mb,
                kMostWaitingMb, "MB");
  sheet.remark("a callback that waits", callbacks.bytes_each, "B");
  sheet.remark("so of the coroutine are Asio's and its own frames",
               coroutines.bytes_each - callbacks.bytes_each, "B");
}

void run_waiters(const std::string& kind, const std::string& url) {
  PoolOptions options;
  options.max_connections = 1;
  options.min_connections = 1;
  options.max_waiting_requests = kManyWaiting;
  options.acquire_timeout = std::chrono::hours(1);
  Pool pool = must(Pool::create(must(ConnectionString::parse(url)), options));
  Lease only = must(pool.acquire());
  asio::io_context loop(1);
  const Memory before = memory_of(::getpid());
  start(kind, pool, loop);
  const Memory with = memory_of(::getpid());
  if (pool.stats().waiting_total != kManyWaiting) {
    throw std::runtime_error("not all wait");
  }
  std::printf("%ld %ld\n", before.resident_kib, with.resident_kib);
  only.release();
  loop.run();  // one after the other
}

}  // namespace dbpool::bench
