// What the parts cost, on a real PostgreSQL over a Unix socket.

#include <benchmark/benchmark.h>
#include <prometheus/text_serializer.h>
#include <spdlog/sinks/null_sink.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dbpool/connect.h"
#include "dbpool/pool.h"
#include "exporter/diagnosis/exhaustion_watch.h"
#include "exporter/http/metrics_handler.h"
#include "exporter/live/live_feed.h"
#include "exporter/logging/logger.h"
#include "exporter/metrics/histogram.h"
#include "exporter/metrics/pool_metrics.h"
#include "pool/src/brain/latency_histogram.h"
#include "tests/bench/must.h"
#include "tests/bench/mutex_pool.h"
#include "tests/support/postgres.h"

namespace dbpool::bench {
namespace {

constexpr std::uint32_t kConnections = 32;

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
BENCHMARK(acquire_and_release)
    ->Threads(1)
    ->Threads(2)
    ->Threads(32)
    ->Threads(64)
    ->UseRealTime();

// All that watches a pool in the exporter: reports, the verdict of each second,
// the live page's samples.
class Watched {
 public:
  Watched() {
    watch_.start();
    feed_.start();
  }

 private:
  exporter::Logger log_{{}, std::make_shared<spdlog::sinks::null_sink_mt>()};
  exporter::ExhaustionWatch watch_{
      shared_pool(),
      std::make_shared<exporter::ServerSession>(target(), ConnectOptions{}),
      {},
      [] { return std::string(); },
      std::make_shared<exporter::ReportNumbers>(),
      log_};
  exporter::LiveFeed feed_{
      [] {
        return std::vector<exporter::LiveFeed::Sampled>{
            {shared_pool().stats(), shared_pool().options().acquire_timeout}};
      },
      [] { return std::vector<exporter::LivePool>(); }};
};

std::optional<Watched> watched;

// To be compared with the same unwatched, in one run of several interleaved
// repetitions (--benchmark_enable_random_interleaving).
void acquire_and_release_watched(benchmark::State& state) {
  acquire_and_release(state);
}
BENCHMARK(acquire_and_release_watched)
    ->Setup([](const benchmark::State&) { watched.emplace(); })
    ->Teardown([](const benchmark::State&) { watched.reset(); })
    ->Threads(1)
    ->Threads(32)
    ->UseRealTime();

// The same on the least that can be called a pool.
void acquire_and_release_by_mutex(benchmark::State& state) {
  static MutexPool<std::uint32_t> pool;
  static std::once_flag filled;
  std::call_once(filled, [] {
    for (std::uint32_t i = 0; i < kConnections; ++i) pool.release(i);
  });
  for (auto _ : state) pool.release(pool.acquire());
}
BENCHMARK(acquire_and_release_by_mutex)
    ->Threads(1)
    ->Threads(2)
    ->Threads(32)
    ->Threads(64)
    ->UseRealTime();

// Two threads and one connection: whoever gives it back is asked for it, and
// waits for the other's turn; `waited` tells how often. A share near 0 means
// that the threads hardly met, and that no hand-off was measured.
void hand_off(benchmark::State& state) {
  static Pool pool = [] {
    PoolOptions options;
    options.max_connections = 1;
    options.min_connections = 1;
    return must(Pool::create(target(), options));
  }();
  for (auto _ : state) must(pool.acquire());
  if (state.thread_index() != 0) return;
  const PoolStats stats = pool.stats();
  state.counters["waited"] = static_cast<double>(stats.acquires_waited) /
                             static_cast<double>(stats.acquires);
}
BENCHMARK(hand_off)->Threads(2)->UseRealTime();

// As many in each decade from a microsecond to a second, so that no branch is
// foreseen.
std::vector<Duration> durations() {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponent(3, 9);
  std::vector<Duration> all(1024);
  for (Duration& one : all) {
    one = Duration(static_cast<Duration::rep>(std::pow(10, exponent(random))));
  }
  return all;
}

template <typename Histogram>
void observation(benchmark::State& state) {
  const std::vector<Duration> all = durations();
  Histogram histogram;
  std::size_t next = 0;
  for (auto _ : state) histogram.observe(all[next++ % all.size()]);
  benchmark::DoNotOptimize(histogram.snapshot());
}
BENCHMARK_TEMPLATE(observation, detail::LatencyHistogram);
BENCHMARK_TEMPLATE(observation, exporter::Histogram);

void snapshot(benchmark::State& state) {
  const Pool& pool = shared_pool();
  for (auto _ : state) benchmark::DoNotOptimize(pool.stats());
}
BENCHMARK(snapshot);

void snapshot_with_names(benchmark::State& state) {
  PoolOptions options;
  options.max_query_names = 10'000;
  Pool pool = must(Pool::create(target(), options));
  for (int i = 0; i < state.range(0); ++i) {
    const std::string name = "query_" + std::to_string(i);
    must(must(pool.acquire())->execute(Statement(name, "SELECT 1")));
  }
  for (auto _ : state) benchmark::DoNotOptimize(pool.stats());
}
BENCHMARK(snapshot_with_names)
    ->Arg(1)
    ->Arg(100)
    ->Arg(10'000)
    ->Unit(benchmark::kMicrosecond);

void page(benchmark::State& state) {
  exporter::MetricsPage metrics;
  metrics.add(std::make_shared<prometheus::PoolMetrics>(
      [] { return shared_pool().stats(); }, prometheus::PoolKind::kCanary));
  for (auto _ : state) benchmark::DoNotOptimize(metrics.text());
}
BENCHMARK(page)->Unit(benchmark::kMicrosecond);

// The same page by prometheus-cpp's own serializer, as a service that embeds
// the pool serves it.
void page_of_prometheus_cpp(benchmark::State& state) {
  const prometheus::PoolCollector collector(shared_pool());
  const ::prometheus::TextSerializer serializer;
  for (auto _ : state) {
    benchmark::DoNotOptimize(serializer.Serialize(collector.Collect()));
  }
}
BENCHMARK(page_of_prometheus_cpp)->Unit(benchmark::kMicrosecond);

// 20 pools with 50 names of queries each: some 34 000 samples.
void page_of_twenty_pools(benchmark::State& state) {
  constexpr int kPools = 20;
  constexpr int kQueries = 50;
  exporter::MetricsPage metrics;
  for (int i = 0; i < kPools; ++i) {
    PoolStats stats = shared_pool().stats();
    stats.name = "pool-" + std::to_string(i);
    stats.queries.resize(kQueries);
    for (int j = 0; j < kQueries; ++j) {
      stats.queries[static_cast<std::size_t>(j)].name =
          "query_" + std::to_string(j);
    }
    metrics.add(std::make_shared<prometheus::PoolMetrics>(
        [stats] { return stats; }, prometheus::PoolKind::kCanary));
  }
  for (auto _ : state) benchmark::DoNotOptimize(metrics.text());
}
BENCHMARK(page_of_twenty_pools)->Unit(benchmark::kMicrosecond);

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
