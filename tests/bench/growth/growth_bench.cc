// usage: dbpool_growth_bench [--rounds=N] [--keep]
//
// How cost grows with the size of things: throughput, wait, CPU and memory
// over the number of connections, clients, pools, names of queries and
// threads. Each step is a process of its own (growth_step.cc); all of them run
// in each round, in an order that is drawn anew. Prints the medians as tables;
// --keep puts them into tests/bench/README.md, and the picture beside it,
// which otherwise is written to the build folder. Ends with 1 when a step
// costs more than proportionally.

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/growth/chart.h"
#include "tests/bench/growth/points.h"
#include "tests/bench/growth/quick_server.h"
#include "tests/bench/growth/table.h"
#include "tests/bench/measures.h"
#include "tests/support/child.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"

namespace dbpool::bench {
namespace {

using Json = nlohmann::json;

const std::vector<Dimension>& dimensions() {
  static const std::vector<Dimension> all = {
      {.title = "Connections of one pool, twice as many clients, one loop; a "
                "server that only answers",
       .unit = "connections",
       .quick = true,
       .values = {1, 3, 10, 30, 100, 300, 1000},
       .setting =
           [](int value) {
             return Setting{.clients = 2 * value, .connections = value};
           }},
      {.title = "Clients on 10 connections, one loop; PostgreSQL",
       .unit = "clients",
       .values = {1, 10, 100, 1000, 10'000, 100'000},
       .setting = [](int value) { return Setting{.clients = value}; }},
      {.title = "Pools that share 100 connections and 200 clients, one loop; "
                "PostgreSQL",
       .unit = "pools",
       .values = {1, 2, 5, 10, 20, 50, 100},
       .setting =
           [](int value) {
             return Setting{.clients = 200, .connections = 100, .pools = value};
           }},
      {.title = "Names of queries in turn, 100 of them kept, 64 clients on 10 "
                "connections, one loop; PostgreSQL",
       .unit = "names",
       .values = {1, 10, 100, 1000, 10'000},
       .setting = [](int value) { return Setting{.names = value}; }},
      {.title = "Threads that block, on 10 connections; PostgreSQL",
       .unit = "threads",
       .blocking = true,
       .values = {1, 2, 4, 8, 16, 32},
       .setting = [](int value) { return Setting{.clients = value}; }}};
  return all;
}

// A point and what each round measured for it.
struct Step {
  const Dimension* dimension = nullptr;
  Point point;
  std::vector<Json> rounds = {};
};

class Servers {
 public:
  std::map<std::string, std::string> environment(const Step& step) const {
    const Setting& setting = step.point.setting;
    // A first turn for every client, so that the queue is as long as it gets.
    const double warm_up = 0.3 + setting.clients / 12'000.0;
    std::map<std::string, std::string> environment = {
        {"BENCH_CLIENTS", std::to_string(setting.clients)},
        {"BENCH_CONNECTIONS", std::to_string(setting.connections)},
        {"BENCH_POOLS", std::to_string(setting.pools)},
        {"BENCH_NAMES", std::to_string(setting.names)},
        {"BENCH_QUERIES", "1"},
        {"BENCH_WARM_UP", std::to_string(warm_up)},
        {"BENCH_SECONDS", "1"},
        {"PGUSER", "postgres"},
        {"PGDATABASE", "postgres"}};
    if (step.dimension->quick) {
      environment["PGHOST"] = quick_.socket_dir();
    } else {
      environment["PGHOST"] = postgres_.socket_dir();
      environment["PGPORT"] = std::to_string(postgres_.port());
    }
    return environment;
  }

 private:
  const test::Postgres postgres_{{.config = {"max_connections = 120"}}};
  const QuickServer quick_;
};

Json run(const Step& step, const Servers& servers) {
  test::ChildOptions options;
  options.program = DBPOOL_GROWTH_STEP;
  options.args = {step.dimension->blocking ? "blocking" : "async"};
  options.env = servers.environment(step);
  const std::string output = test::run_to_end(options);
  const std::size_t line = output.rfind('{');
  if (line == output.npos) throw std::runtime_error(output);
  return Json::parse(output.substr(line));
}

std::vector<Step> steps() {
  std::vector<Step> all;
  for (const Dimension& dimension : dimensions()) {
    for (const int value : dimension.values) {
      all.push_back(
          {.dimension = &dimension,
           .point = {.value = value, .setting = dimension.setting(value)}});
    }
  }
  return all;
}

double median(const std::vector<Json>& rounds, double (*of)(const Json&)) {
  std::vector<double> values;
  for (const Json& round : rounds) values.push_back(of(round));
  return quantile(values, 0.5);
}

Point measured(const Step& step) {
  Point point = step.point;
  const auto& rounds = step.rounds;
  point.per_second = median(rounds, [](const Json& line) {
    return line["per_second"].get<double>();
  });
  point.wait_50_us = median(rounds, [](const Json& line) {
    return line["wait_us"][0].get<double>();
  });
  point.wait_99_us = median(rounds, [](const Json& line) {
    return line["wait_us"][1].get<double>();
  });
  // Milliseconds for 1000 are microseconds for one.
  point.cpu_us = median(rounds, [](const Json& line) {
    return line["cpu_ms_per_1000"].get<double>();
  });
  point.memory_mib = median(rounds, [](const Json& line) {
    return line["peak_memory_kib"].get<double>() / 1024;
  });
  return point;
}

std::vector<Curve> measure(int rounds) {
  const Servers servers;
  std::vector<Step> all = steps();
  std::mt19937 random(std::random_device{}());
  for (int round = 1; round <= rounds; ++round) {
    std::vector<Step*> shuffled;
    for (Step& step : all) shuffled.push_back(&step);
    std::ranges::shuffle(shuffled, random);
    for (Step* step : shuffled) {
      std::fprintf(stderr, "round %d of %d: %d %s\n", round, rounds,
                   step->point.value, step->dimension->unit.c_str());
      step->rounds.push_back(run(*step, servers));
    }
  }
  std::vector<Curve> curves;
  for (const Step& step : all) {
    if (curves.empty() || curves.back().dimension != step.dimension) {
      curves.push_back({.dimension = step.dimension, .points = {}});
    }
    curves.back().points.push_back(measured(step));
  }
  return curves;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::array<char, 20> text;
  std::strftime(text.data(), text.size(), "%Y-%m-%d", std::gmtime(&now));
  return text.data();
}

// Puts `text` between the two marks in the README.
void keep(const std::string& text) {
  constexpr std::string_view kBegin = "<!-- written by `growth --keep` -->\n";
  constexpr std::string_view kEnd = "<!-- end of it -->\n";
  const std::string path = DBPOOL_BENCH_SOURCES "/README.md";
  std::string page = test::read_file(path);
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  if (begin == page.npos || end == page.npos || end < begin) {
    throw std::runtime_error(path + ": the marks are gone");
  }
  const std::size_t from = begin + kBegin.size();
  test::write_file(path, page.replace(from, end - from, text));
}

int run(int rounds, bool is_kept) {
  const std::vector<Curve> curves = measure(rounds);
  const std::string tables = markdown_of(curves);
  const std::string picture =
      is_kept ? DBPOOL_BENCH_SOURCES "/growth.svg" : DBPOOL_BENCH_PICTURE;
  test::write_file(picture, svg_of(curves));
  std::printf("%s\nThe picture is %s\n\n", tables.c_str(), picture.c_str());
  if (is_kept) {
    keep("\n" + today() + ", " +
         std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) +
         " processors, `tests/bench/run growth --rounds=" +
         std::to_string(rounds) + " --keep`:\n" + tables + "\n");
  }
  return print_verdicts(curves) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  int rounds = 3;
  bool is_kept = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--keep") {
      is_kept = true;
    } else if (argument.starts_with("--rounds=")) {
      rounds = std::atoi(argv[i] + argument.find('=') + 1);
    } else {
      rounds = 0;
    }
  }
  if (rounds < 1) {
    std::fputs("usage: dbpool_growth_bench [--rounds=N] [--keep]\n", stderr);
    return 2;
  }
  try {
    return dbpool::bench::run(rounds, is_kept);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
