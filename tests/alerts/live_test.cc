// Alerts from the fault to the receiver and back: real PostgreSQL, exporters,
// Prometheus and Alertmanager, the rules at a time scale. All faults are made
// at once, each to an exporter of its own, so that the whole takes no longer
// than the slowest of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "tests/alerts/alert_stage.h"
#include "tests/alerts/fault.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

using Faults = std::vector<std::unique_ptr<Fault>>;

const AlertStageOptions kStage = {.time_scale = 40, .interval = "500ms"};

class LiveAlertsTest : public ::testing::Test {
 protected:
  LiveAlertsTest() {
    create_planted_role(postgres_);
    faults_ = pool_faults(postgres_);
    std::ranges::move(exporter_faults(postgres_), std::back_inserter(faults_));
    std::ranges::move(database_faults(postgres_), std::back_inserter(faults_));
    stage_.emplace(targets(), kStage);
  }
  ~LiveAlertsTest() override {
    if (!HasFailure()) return;
    for (const auto& fault : faults_) {
      GTEST_LOG_(INFO) << "the page of " << fault->job() << ":\n"
                       << fault->page();
    }
  }

  std::vector<ScrapeTarget> targets() const {
    std::vector<ScrapeTarget> targets;
    for (const auto& fault : faults_)
      targets.push_back(fault->target(kStage.interval));
    return targets;
  }

  // While all is well for longer than most windows.
  void expect_calm() {
    const auto is_known = [this] {
      return stage_->prometheus().query_value(
                 "count(dbpool_acquires_total offset 8s)") == faults_.size();
    };
    EXPECT_TRUE(eventually(kLiveness, is_known, std::chrono::seconds(1)));
    for (const auto& fault : faults_) expect_only({}, *fault);
  }

  void expect_only(const std::set<std::string>& expected, const Fault& fault) {
    for (const std::string& name : stage_->ever_fired(fault.job())) {
      EXPECT_TRUE(expected.contains(name))
          << name << " of " << fault.job() << " has fired\n"
          << stage_->report();
    }
  }

  void expect_arrivals(const Fault& fault, const std::vector<Alert>& alerts) {
    for (const Alert& alert : alerts) {
      stage_->expect_arrival(fault.job(), alert);
    }
  }

  // One after the other: the last ones go on for longest.
  void cure_what_has_arrived() {
    for (const auto& fault : faults_) {
      expect_arrivals(*fault, fault->wanted());
      fault->make_worse();
      expect_arrivals(*fault, fault->wanted_when_worse());
      fault->cure();
    }
  }

  void expect_resolutions() {
    for (const auto& fault : faults_) {
      std::vector<Alert> alerts = fault->wanted();
      std::ranges::move(fault->wanted_when_worse(), std::back_inserter(alerts));
      for (const Alert& alert : alerts) {
        stage_->expect_resolution(fault->job(), alert);
      }
    }
  }

  void expect_silence_of_the_others() {
    for (const auto& fault : faults_) {
      std::set<std::string> expected = fault->accepted();
      // A restart, or a scrape, takes long on a busy machine.
      expected.insert("DbpoolExporterDown");
      for (const Alert& alert : fault->wanted()) expected.insert(alert.name);
      expect_only(expected, *fault);
    }
  }

  Postgres postgres_;
  Faults faults_;
  std::optional<AlertStage> stage_;
};

TEST_F(LiveAlertsTest, EachArrivesAfterItsFaultAndIsResolvedByTheCure) {
  stage_->expect_arrival("", {"DbpoolWatchdog", "info"});
  GTEST_LOG_(INFO) << "all exporters run";
  expect_calm();
  for (const auto& fault : faults_) fault->make();
  GTEST_LOG_(INFO) << "all faults are made";
  cure_what_has_arrived();
  GTEST_LOG_(INFO) << "all have arrived and are cured";
  expect_resolutions();
  expect_silence_of_the_others();
}

}  // namespace
}  // namespace dbpool::test
