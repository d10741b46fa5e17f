// usage: dbpool_frugal_bench
//
// What program and library cost a machine that has other things to do: memory,
// time to start, CPU at rest, and what they keep others from. Each measure
// stands beside its limit; ends with 1 when one is missed. Runs itself for
// what needs a process of its own.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/bench/frugal/openings.h"
#include "tests/bench/frugal/program.h"
#include "tests/bench/frugal/sheet.h"
#include "tests/bench/frugal/snapshots.h"
#include "tests/bench/frugal/waiters.h"
#include "tests/support/postgres.h"

namespace dbpool::bench {
namespace {

int measure_all() {
  const test::Postgres postgres;
  Sheet sheet;
  measure_start(sheet, postgres);
  measure_rest(sheet, postgres);
  measure_waiting(sheet, postgres);
  measure_waiters(sheet, postgres.url());
  measure_snapshots(sheet, postgres.url());
  measure_openings(sheet, postgres);
  return sheet.is_kept() ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::string given_url() {
  const char* const url = std::getenv("DATABASE_URL");
  if (url == nullptr) throw std::runtime_error("DATABASE_URL is not set");
  return url;
}

int run(int argc, char** argv) {
  const std::string_view part = argc > 1 ? argv[1] : "";
  if (part == "waiters" && argc == 3) {
    run_waiters(argv[2], given_url());
  } else if (part == "openings" && argc == 2) {
    run_openings(given_url());
  } else if (argc == 1) {
    return measure_all();
  } else {
    std::fputs("usage: dbpool_frugal_bench\n", stderr);
    return 2;
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace dbpool::bench

int main(int argc, char** argv) {
  try {
    return dbpool::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
