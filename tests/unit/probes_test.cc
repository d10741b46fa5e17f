#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/probes/probe.h"
#include "exporter/probes/probe_runner.h"
#include "tests/support/eventually.h"

namespace dbpool::exporter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;

// Generous: what is awaited happens at once unless the machine is stuck.
constexpr auto kLiveness = seconds(30);

constexpr std::array<std::string_view, 3> kReasons = {"refused", "auth",
                                                      "other"};

Error connect_error(ConnectFailure failure) {
  Error error;
  error.kind = ErrorKind::kConnect;
  error.connect_failure = failure;
  error.message = std::string(to_string(failure));
  return error;
}

// What the tests see of a fake probe, which its runner owns.
struct Script {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<ProbeResult> results;  // the last one repeats
  std::size_t runs = 0;
  bool blocked = false;  // runs wait while this is set
  int at_once = 0, most_at_once = 0;

  bool wait_for_runs(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kLiveness, [&] { return runs >= count; });
  }
  void set_blocked(bool value) {
    const std::lock_guard lock(mutex);
    blocked = value;
    changed.notify_all();
  }
};

class FakeProbe : public Probe {
 public:
  explicit FakeProbe(std::shared_ptr<Script> script)
      : script_(std::move(script)) {}

  std::string_view name() const noexcept override { return "fake"; }
  std::span<const std::string_view> reasons() const noexcept override {
    return kReasons;
  }
  ProbeResult run(Duration, const std::stop_token&) override {
    Script& script = *script_;
    std::unique_lock lock(script.mutex);
    script.most_at_once = std::max(script.most_at_once, ++script.at_once);
    const std::size_t run = script.runs++;
    script.changed.notify_all();
    script.changed.wait(lock, [&] { return !script.blocked; });
    --script.at_once;
    if (script.results.empty()) return {};
    return script.results[std::min(run, script.results.size() - 1)];
  }

 private:
  const std::shared_ptr<Script> script_;
};

constexpr ProbeSchedule kFast{milliseconds(1), seconds(1)};
constexpr ProbeSchedule kOnce{hours(1), seconds(1)};

class ProbeRunnerTest : public ::testing::Test {
 protected:
  ProbeRunner& start(ProbeSchedule schedule) {
    runner_ = std::make_unique<ProbeRunner>(
        std::make_unique<FakeProbe>(script_), schedule,
        [this](std::string_view, const ProbeFailure* failure) {
          const std::lock_guard lock(script_->mutex);
          changes_.push_back(failure != nullptr ? failure->message : "back");
        },
        [this] { return pool_; });
    runner_->start();
    return *runner_;
  }
  // Stops the runner, so that its numbers stand still.
  static ProbeStats stop(ProbeRunner& runner) {
    runner.request_stop();
    EXPECT_TRUE(runner.wait_stopped(Clock::now() + kLiveness));
    return runner.stats();
  }

  const std::shared_ptr<Script> script_ = std::make_shared<Script>();
  PoolProgress pool_;  // set before start()
  std::vector<std::string> changes_;
  std::unique_ptr<ProbeRunner> runner_;
};

TEST_F(ProbeRunnerTest, NothingIsKnownBeforeTheFirstRunEnds) {
  script_->blocked = true;
  ProbeRunner& runner = start(kOnce);
  ASSERT_TRUE(script_->wait_for_runs(1));
  const ProbeStats stats = runner.stats();
  EXPECT_EQ(stats.total, 0U);
  EXPECT_EQ(stats.succeeded, std::nullopt);
  EXPECT_EQ(stats.last_success, std::nullopt);
  script_->set_blocked(false);
}

TEST_F(ProbeRunnerTest, EachRunIsCountedWithItsReason) {
  script_->results = {
      Unexpected(connect_error(ConnectFailure::kAuth)),
      {},
      Unexpected(connect_error(ConnectFailure::kTls)),  // not in kReasons
      Unexpected(connect_error(ConnectFailure::kRefused))};
  ProbeRunner& runner = start(kFast);
  ASSERT_TRUE(script_->wait_for_runs(5));
  const ProbeStats stats = stop(runner);
  EXPECT_GE(stats.total, 4U);
  EXPECT_THAT(stats.failures, ElementsAre(stats.total - 3, 1, 1));
  EXPECT_EQ(stats.duration.count(), stats.total);
  EXPECT_EQ(stats.succeeded, false);
  EXPECT_EQ(stats.last_failure.message, "refused");
  EXPECT_NE(stats.last_success, std::nullopt);
}

TEST_F(ProbeRunnerTest, HowFarThePoolHadComeIsKeptWithARun) {
  pool_ = {.opened = 3, .granted = 40};
  ProbeRunner& runner = start(kOnce);
  ASSERT_TRUE(
      test::eventually(kLiveness, [&] { return runner.stats().total == 1; }));
  EXPECT_EQ(runner.stats().pool.opened, 3U);
  EXPECT_EQ(runner.stats().pool.granted, 40U);
}

TEST(PoolProgressTest, GrantedAreThoseThatDidNotFail) {
  PoolStats stats;
  stats.opened = 7;
  stats.acquires = 100;
  stats.acquire_failures = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(progress_of(stats).opened, 7U);
  EXPECT_EQ(progress_of(stats).granted, 64U);
}

TEST_F(ProbeRunnerTest, OnlyChangesAreTold) {
  const ProbeResult failure =
      Unexpected(connect_error(ConnectFailure::kRefused));
  script_->results = {{}, {}, failure, failure, failure, {}, {}, failure};
  ProbeRunner& runner = start(kFast);
  ASSERT_TRUE(script_->wait_for_runs(10));
  stop(runner);
  EXPECT_THAT(changes_, ElementsAre("refused", "back", "refused"));
}

TEST_F(ProbeRunnerTest, ASlowRunDoesNotPileUp) {
  script_->blocked = true;
  ProbeRunner& runner = start(kFast);
  ASSERT_TRUE(script_->wait_for_runs(1));
  std::this_thread::sleep_for(20 * kFast.interval);  // many missed points
  EXPECT_EQ(runner.stats().total, 0U);
  script_->set_blocked(false);
  ASSERT_TRUE(script_->wait_for_runs(3));
  stop(runner);
  EXPECT_EQ(script_->most_at_once, 1);
}

TEST_F(ProbeRunnerTest, StoppingDoesNotWaitForARunUnderWay) {
  script_->blocked = true;
  script_->results = {Unexpected(connect_error(ConnectFailure::kRefused))};
  ProbeRunner& runner = start(kFast);
  ASSERT_TRUE(script_->wait_for_runs(1));
  runner.request_stop();
  EXPECT_FALSE(runner.wait_stopped(Clock::now()));
  script_->set_blocked(false);
  EXPECT_TRUE(runner.wait_stopped(Clock::now() + kLiveness));
  // What it found may be the shutdown's doing.
  EXPECT_EQ(runner.stats().total, 0U);
  EXPECT_TRUE(changes_.empty());
}

TEST(ProbeRunnerStartTest, OneThatWasNeverStartedIsStopped) {
  ProbeRunner runner(std::make_unique<FakeProbe>(std::make_shared<Script>()),
                     kOnce, {}, {});
  runner.request_stop();
  EXPECT_TRUE(runner.wait_stopped(Clock::now()));
  EXPECT_EQ(runner.stats().total, 0U);
}

TEST_F(ProbeRunnerTest, TheFirstRunComesWhenTheScheduleSays) {
  const TimePoint before = Clock::now();
  ProbeRunner& runner = start({hours(1), seconds(1), milliseconds(50)});
  ASSERT_TRUE(
      test::eventually(kLiveness, [&] { return runner.stats().total == 1; }));
  EXPECT_GE(runner.stats().finished_at - before, milliseconds(50));
}

TEST_F(ProbeRunnerTest, StoppingEndsTheWaitForTheFirstRun) {
  ProbeRunner& runner = start({hours(1), seconds(1), hours(1)});
  EXPECT_EQ(stop(runner).total, 0U);
}

TEST_F(ProbeRunnerTest, StoppingEndsTheWaitForTheNextRun) {
  ProbeRunner& runner = start(kOnce);
  ASSERT_TRUE(script_->wait_for_runs(1));
  runner.request_stop();
  EXPECT_TRUE(runner.wait_stopped(Clock::now() + kLiveness));
}

TEST(ProbeReasonTest, EveryErrorHasAReason) {
  Error error;
  EXPECT_EQ(probe_reason(error), "other");
  error.acquire_failure = AcquireFailure::kTimeoutCapacity;
  EXPECT_EQ(probe_reason(error), "timeout_capacity");
  EXPECT_EQ(probe_reason(connect_error(ConnectFailure::kTimeout)), "timeout");
  Error statement;
  statement.statement_failure = StatementFailure::kTimeout;
  EXPECT_EQ(probe_reason(statement), "statement_timeout");
  statement.statement_failure = StatementFailure::kServerError;
  EXPECT_EQ(probe_reason(statement), "server_error");
}

}  // namespace
}  // namespace dbpool::exporter
