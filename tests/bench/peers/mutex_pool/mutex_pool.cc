// A mutex, a condition variable and libpq: what a pool is without promises.

#include <libpq-fe.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/mutex_pool.h"
#include "tests/bench/peers/meter.h"

namespace dbpool::bench {
namespace {

using Clock = std::chrono::steady_clock;

void require(bool good, PGconn* pg) {
  if (good) return;
  std::fputs(PQerrorMessage(pg), stderr);
  std::_Exit(EXIT_FAILURE);
}

PGconn* open() {
  PGconn* const pg = PQconnectdb("");
  PGresult* const result = PQprepare(pg, "one", "SELECT 1", 0, nullptr);
  require(PQresultStatus(result) == PGRES_COMMAND_OK, pg);
  PQclear(result);
  return pg;
}

void select_one(PGconn* pg) {
  PGresult* const result =
      PQexecPrepared(pg, "one", 0, nullptr, nullptr, nullptr, 0);
  require(PQresultStatus(result) == PGRES_TUPLES_OK, pg);
  PQclear(result);
}

void run() {
  const Task task;
  MutexPool<PGconn*> pool;
  for (int i = 0; i < task.connections; ++i) pool.release(open());
  measure(task, task.clients, [&](int, Tally& tally) {
    while (tally.running()) {
      if (!task.queries) {
        pool.release(pool.acquire());
        tally.done();
        continue;
      }
      const auto start = Clock::now();
      PGconn* const pg = pool.acquire();
      const auto wait = Clock::now() - start;
      select_one(pg);
      pool.release(pg);
      tally.done(wait);
    }
  });
}

}  // namespace
}  // namespace dbpool::bench

int main() { dbpool::bench::run(); }
