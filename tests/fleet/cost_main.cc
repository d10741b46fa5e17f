// Measures what a fleet costs, and prints it; see tests/fleet/run.

#include <cstdio>
#include <exception>

#include "tests/fleet/cost.h"

int main() {
  try {
    std::fputs(dbpool::test::described(dbpool::test::measure_fleet()).c_str(),
               stdout);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
