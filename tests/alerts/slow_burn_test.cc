// The slow burn of a budget, from the fault to the receiver and back. It has
// a time scale of its own: its windows are hours and days.

#include <gtest/gtest.h>

#include "tests/alerts/alert_stage.h"
#include "tests/alerts/fault.h"

namespace dbpool::test {
namespace {

// The shortest window is 2.5 s; those of the alert are a minute and longer.
const AlertStageOptions kStage = {.time_scale = 120, .interval = "500ms"};

// Two clients share one connection. One statement of 24 is so slow that the
// other client waits for longer than 0.1 s: 4.2 % of the acquires, between 3
// and 6 times what the budget allows.
class NowAndThenSlow : public PacedFault {
 public:
  explicit NowAndThenSlow(const Postgres& postgres)
      : PacedFault("burning", postgres, 0.005) {
    std::vector<std::string> args = {"--workload.clients=2",
                                     "--probe.select_1.interval=0"};
    for (int i = 1; i < 24; ++i) {
      args.push_back("--workload.sql=quick_" + std::to_string(i) +
                     "=SELECT pg_sleep(0.005)");
    }
    ExporterOptions exporter = workload(std::move(args));
    exporter.env["DB_POOL_MAX"] = "1";
    restart(exporter);
  }

  void make() override { set_pace(0.2); }
  void cure() override { set_pace(0.005); }
  std::vector<Alert> wanted() const override {
    return {{"DbpoolAcquireBudgetBurn", "warning"}};
  }
};

TEST(SlowBurnTest, ArrivesAsAWarningAndIsResolvedByTheCure) {
  const Postgres postgres;
  create_planted_role(postgres);
  NowAndThenSlow fault(postgres);
  fault.make();
  const AlertStage stage({fault.target(kStage.interval)}, kStage);
  stage.expect_arrival(fault.job(), fault.wanted().front());
  fault.cure();
  stage.expect_resolution(fault.job(), fault.wanted().front());
}

}  // namespace
}  // namespace dbpool::test
