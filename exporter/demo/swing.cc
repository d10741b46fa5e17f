#include "exporter/demo/swing.h"

#include <cmath>
#include <cstdlib>

namespace dbpool::exporter {

std::chrono::seconds swing_length() {
  std::chrono::seconds length{0};
  for (const SwingPhase& phase : kSwing) length += phase.length;
  return length;
}

const SwingPhase& swing_at(Duration elapsed, double speed) {
  const double period = static_cast<double>(swing_length().count());
  double at =
      std::fmod(std::chrono::duration<double>(elapsed).count() * speed, period);
  for (const SwingPhase& phase : kSwing) {
    at -= static_cast<double>(phase.length.count());
    if (at < 0) return phase;
  }
  return kSwing.back();
}

WorkloadOptions demo_workload() {
  WorkloadOptions options;
  options.statements = {
      {"read_order", "SELECT count(*) FROM generate_series(1, 100)"},
      {"write_order", "SELECT txid_current()"},
      {"report", "SELECT sum(i) FROM generate_series(1, 5000) AS s(i)"}};
  options.hold = std::chrono::milliseconds(50);
  return options;
}

double demo_speed() {
  const char* given =
      std::getenv("DBPOOL_DEMO_SPEED");  // NOLINT(concurrency-mt-unsafe)
  if (given == nullptr) return 1;
  char* end = nullptr;
  const double speed = std::strtod(given, &end);
  const bool is_valid = end != given && *end == '\0' && speed >= 1 &&
                        speed <= 100;  // false for NaN
  return is_valid ? speed : 1;
}

}  // namespace dbpool::exporter
