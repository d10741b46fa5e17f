#ifndef DBPOOL_TESTS_FLEET_COST_H_
#define DBPOOL_TESTS_FLEET_COST_H_

#include <cstddef>
#include <string>

namespace dbpool::test {

// What one target costs, each figure a mean over all that were measured.
struct FleetCost {
  std::size_t targets = 0;     // that were measured
  std::size_t scrapes = 0;     // of all of them together
  double samples = 0;          // of an answer
  double bytes = 0;            // of an answer
  double exporter_cpu_ms = 0;  // of a scrape
  double database_cpu_ms = 0;  // of a scrape
  double kept_kib = 0;         // of the exporter's memory
  double kept_threads = 0;
  double kept_descriptors = 0;
  double kept_connections = 0;
  double series = 0;  // in Prometheus
  double prometheus_kib_a_series = 0;
};

// Takes some minutes.
FleetCost measure_fleet();

// The figures, and a table for 10 to 100 000 targets that is computed from
// them; Markdown.
std::string described(const FleetCost& cost);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FLEET_COST_H_
