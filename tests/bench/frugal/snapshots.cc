#include "tests/bench/frugal/snapshots.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "dbpool/pool.h"
#include "tests/bench/frugal/lock_watch.h"
#include "tests/bench/measures.h"
#include "tests/bench/must.h"

namespace dbpool::bench {
namespace {

constexpr int kMostNames = 10'000;
constexpr int kSnapshots = 1000;
constexpr double kMostHeldUs = 20;

void run_queries(Pool& pool, int names) {
  Lease lease = must(pool.acquire());
  for (int i = 0; i < names; ++i) {
    const std::string name = "query_" + std::to_string(i);
    must(lease->execute(Statement(name, "SELECT 1")));
  }
}

double us(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

void measure(Sheet& sheet, const Pool& pool, const std::string& what) {
  std::vector<double> of_pool;
  std::vector<double> of_names;
  for (int i = 0; i < kSnapshots; ++i) {
    const LockWatch watch;
    static_cast<void>(pool.stats());
    const auto held = watch.held();
    // The pool's own comes first, then the shards of the query statistics.
    if (held.size() < 2) throw std::runtime_error("a snapshot without a lock");
    of_pool.push_back(us(held.front()));
    of_names.push_back(us(*std::max_element(held.begin() + 1, held.end())));
  }
  // Of a thousand some are interrupted by the machine while they hold it.
  sheet.promise("pool's mutex held by a snapshot, " + what + ", 99 %",
                quantile(of_pool, 0.99), kMostHeldUs, "µs");
  sheet.remark("longest of the query statistics' 16", quantile(of_names, 0.5),
               "µs");
}

}  // namespace

void measure_snapshots(Sheet& sheet, const std::string& url) {
  PoolOptions options;
  options.max_query_names = kMostNames;
  Pool pool = must(Pool::create(must(ConnectionString::parse(url)), options));
  run_queries(pool, 1);
  measure(sheet, pool, "1 name");
  run_queries(pool, kMostNames);
  if (pool.stats().queries.size() != kMostNames) {
    throw std::runtime_error("names are missing");
  }
  measure(sheet, pool, "10 000 names");
}

}  // namespace dbpool::bench
