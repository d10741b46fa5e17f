// What the parts cost, on a real PostgreSQL over a Unix socket.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "dbpool/connect.h"
#include "dbpool/pool.h"
#include "dbpool/prometheus/pool_collector.h"
#include "exporter/http/metrics_handler.h"
#include "tests/support/postgres.h"

namespace dbpool::bench {
namespace {

constexpr std::uint32_t kConnections = 32;

template <typename T>
T must(Expected<T> expected) {
  if (!expected) throw std::runtime_error(expected.error().message);
  return std::move(*expected);
}

ConnectionString target() {
  return must(ConnectionString::parse(test::shared_postgres().url()));
}

// One pool for all, as full as the benchmarks want it.
Pool& shared_pool() {
  static Pool pool = [] {
    PoolOptions options;
    options.max_connections = kConnections;
    options.min_connections = kConnections;
    options.idle_timeout = {};
    Pool made = must(Pool::create(target(), options));
    while (made.stats().connections[2] < kConnections) {
      must(made.acquire());
    }
    return made;
  }();
  return pool;
}

void acquire_and_release(benchmark::State& state) {
  Pool& pool = shared_pool();
  for (auto _ : state) must(pool.acquire());
}
BENCHMARK(acquire_and_release)->Threads(1)->Threads(2)->Threads(8);
BENCHMARK(acquire_and_release)->Threads(64)->UseRealTime();

void snapshot(benchmark::State& state) {
  const Pool& pool = shared_pool();
  for (auto _ : state) benchmark::DoNotOptimize(pool.stats());
}
BENCHMARK(snapshot);

void page(benchmark::State& state) {
  exporter::MetricsPage metrics;
  metrics.add(std::make_shared<prometheus::PoolCollector>(shared_pool()));
  for (auto _ : state) benchmark::DoNotOptimize(metrics.text());
}
BENCHMARK(page)->Unit(benchmark::kMicrosecond);

void statement_on_a_raw_connection(benchmark::State& state) {
  const Connected opened = must(connect(target()));
  const Statement select("bench", "SELECT 1");
  for (auto _ : state) must(opened.connection->execute(select));
}
BENCHMARK(statement_on_a_raw_connection)->UseRealTime();

void statement_through_the_pool(benchmark::State& state) {
  Pool& pool = shared_pool();
  const Statement select("bench", "SELECT 1");
  for (auto _ : state) {
    Lease lease = must(pool.acquire());
    must(lease->execute(select));
  }
}
BENCHMARK(statement_through_the_pool)->UseRealTime();

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
