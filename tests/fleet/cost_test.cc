// The table of tests/fleet/run --cost is computed from the figures alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fleet/cost.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;

const FleetCost kCost = {.targets = 200,
                         .scrapes = 2000,
                         .samples = 95,
                         .bytes = 8192,
                         .exporter_cpu_ms = 6,
                         .database_cpu_ms = 9,
                         .kept_kib = 256,
                         .kept_threads = 1,
                         .kept_descriptors = 3,
                         .kept_connections = 1,
                         .series = 100,
                         .prometheus_kib_a_series = 4};

TEST(FleetCostTest, ATenthOfAnExporterIsAnExporter) {
  EXPECT_THAT(described(kCost),
              HasSubstr("| 10 | 1 | 0.00 | 3 MiB | 10 | 0.00 | 1 000 | 33 | 1 "
                        "| 4 MiB |\n"));
}

TEST(FleetCostTest, ExportersAreAMultipleOfTheServers) {
  // By processors 40 would do, by targets 100.
  EXPECT_THAT(described(kCost),
              HasSubstr("| 100 000 | 100 | 20 | 24.4 GiB | 100 000 | 30.00 | "
                        "10 000 000 | 333 333 | 10 | 38.1 GiB |\n"));
  FleetCost more = kCost;
  more.series = 130;
  EXPECT_THAT(described(more), HasSubstr("| 100 000 | 104 | 20 |"));
}

TEST(FleetCostTest, TheFiguresComeFirst) {
  EXPECT_THAT(described(kCost), HasSubstr("| an answer | 95 samples, 8.0 KiB"));
}

}  // namespace
}  // namespace dbpool::test
