#ifndef DBPOOL_TESTS_ALERTS_ALERT_STAGE_H_
#define DBPOOL_TESTS_ALERTS_ALERT_STAGE_H_

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "tests/e2e/metrics_page.h"
#include "tests/support/alertmanager.h"
#include "tests/support/prometheus.h"
#include "tests/support/webhook_receiver.h"

namespace dbpool::test {

// For what happens within some seconds to a minute and a half unless the
// machine is stuck.
inline constexpr std::chrono::minutes kAlertPatience{5};

// What a rule says of an alert; labels that are not named are not compared.
struct Alert {
  std::string name;
  std::string severity;
  LabelMap labels = {};
};

// What arrives at the receivers of alerts/alertmanager.example.yml.
class AlertInbox {
 public:
  // The example with this inbox in place of its receivers, its waits
  // shortened.
  std::string alertmanager_configuration() const;

  // Waits until the last that has arrived of the alert of `job` (any if empty)
  // is that it fires, with all that an alert must have; false at the deadline.
  bool has_arrived(const std::string& job, const Alert& alert) const;
  // Waits until the last that has arrived of it is that it is resolved.
  bool is_resolved(const std::string& job, const Alert& alert) const;
  // The names of those of `job` that have arrived as firing so far.
  std::set<std::string> arrived(const std::string& job) const;
  // All notices so far, each an alert of Alertmanager's JSON with the "path" to
  // which it came.
  std::vector<nlohmann::json> notices() const;
  // The same, a line each.
  std::string report() const;

 private:
  const WebhookReceiver receiver_;
};

struct AlertStageOptions {
  int time_scale = 1;
  // Between evaluations of the rules; windows should hold several.
  std::string interval = "1s";
};

// A real Prometheus with the generated rules at a time scale, a real
// Alertmanager with the example's configuration, and an inbox. Each exporter
// is a job of its own.
class AlertStage {
 public:
  AlertStage(const std::vector<ScrapeTarget>& targets,
             const AlertStageOptions& options);

  Prometheus& prometheus() { return prometheus_; }

  // Wait until the inbox has it as firing, or as resolved; fail the test when
  // that does not come.
  void expect_arrival(const std::string& job, const Alert& alert) const;
  void expect_resolution(const std::string& job, const Alert& alert) const;
  // The names of those of `job` that have ever fired at Prometheus, silenced
  // or not.
  std::set<std::string> ever_fired(const std::string& job) const;

  // What fires now, and all notices so far.
  std::string report() const;

 private:
  const AlertInbox inbox_;
  const Alertmanager alertmanager_;
  Prometheus prometheus_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_ALERTS_ALERT_STAGE_H_
