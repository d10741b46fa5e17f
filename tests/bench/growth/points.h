// What dbpool_growth_bench measures: dimensions, and a point for each step.
#ifndef DBPOOL_TESTS_BENCH_GROWTH_POINTS_H_
#define DBPOOL_TESTS_BENCH_GROWTH_POINTS_H_

#include <string>
#include <vector>

namespace dbpool::bench {

struct Setting {
  int clients = 64;
  int connections = 10;
  int pools = 1;  // share the two above
  int names = 1;  // of queries
};

struct Dimension {
  std::string title;      // says all that stays the same
  std::string unit;       // of its values
  bool blocking = false;  // a thread for each client, else coroutines
  bool quick = false;     // on the QuickServer, else on PostgreSQL
  std::vector<int> values;
  Setting (*setting)(int value) = nullptr;
};

// One step, measured: medians of all rounds.
struct Point {
  int value = 0;
  Setting setting;
  double per_second = 0;
  double wait_50_us = 0;
  double wait_99_us = 0;
  double cpu_us = 0;  // of one request, in this process
  double memory_mib = 0;

  // What a request must wait where all connections are always busy: those who
  // are served before it. 0: nobody need wait.
  double littles_wait_us() const {
    const int waiting = setting.clients - setting.connections;
    return waiting > 0 ? waiting / per_second * 1e6 : 0;
  }
};

struct Curve {
  const Dimension* dimension = nullptr;
  std::vector<Point> points;  // by value
};

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_GROWTH_POINTS_H_
