// AlertWatch: a Prometheus with the project's rules beside the exporter.
#ifndef DBPOOL_TESTS_FAULTS_ALERT_WATCH_H_
#define DBPOOL_TESTS_FAULTS_ALERT_WATCH_H_

#include <chrono>
#include <string>
#include <vector>

#include "tests/faults/client.h"
#include "tests/support/prometheus.h"

namespace dbpool::test {

// Every window and `for` of the rules is so many times shorter: what takes a
// minute takes half a second.
inline constexpr int kAlertScale = 120;

// One alert that fired, from the first to the last second in which it did.
struct FiredAlert {
  std::string name;
  TimePoint from, to;
};

class AlertWatch {
 public:
  // Prometheus has scraped it. Throws std::runtime_error when it does not.
  explicit AlertWatch(int exporter_port);

  // Since this was made; DbpoolWatchdog, which always fires, left out.
  std::vector<FiredAlert> fired() const;
  // Of those that fire now.
  std::vector<std::string> firing() const;

 private:
  const TimePoint since_ = std::chrono::steady_clock::now();
  Prometheus prometheus_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_ALERT_WATCH_H_
