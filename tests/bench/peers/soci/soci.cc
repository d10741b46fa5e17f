// SOCI's own connection_pool, with one statement prepared on each session.

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <vector>

#include "tests/bench/peers/meter.h"

namespace dbpool::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Select {
  explicit Select(soci::session& session)
      : statement((session.prepare << "SELECT 1", soci::into(value))) {}

  int value = 0;
  soci::statement statement;
};

void run() {
  const Task task;
  const auto connections = static_cast<std::size_t>(task.connections);
  soci::connection_pool pool(connections);
  std::vector<std::unique_ptr<Select>> selects;
  for (std::size_t i = 0; i < connections; ++i) {
    pool.at(i).open(soci::postgresql, "");
    selects.push_back(std::make_unique<Select>(pool.at(i)));
  }
  measure(task, task.clients, [&](int, Tally& tally) {
    while (tally.running()) {
      if (!task.queries) {
        pool.give_back(pool.lease());
        tally.done();
        continue;
      }
      const auto start = Clock::now();
      const std::size_t leased = pool.lease();
      const auto wait = Clock::now() - start;
      selects[leased]->statement.execute(true);
      pool.give_back(leased);
      tally.done(wait);
    }
  });
}

}  // namespace
}  // namespace dbpool::bench

int main() {
  try {
    dbpool::bench::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
