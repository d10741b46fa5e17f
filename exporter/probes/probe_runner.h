// ProbeRunner: runs one probe at an interval on a thread of its own and
// counts what comes of it.
//
// A run that takes longer than the interval delays the next one to the
// schedule's next point in time: one run at a time, none is made up for.
#ifndef DBPOOL_EXPORTER_PROBES_PROBE_RUNNER_H_
#define DBPOOL_EXPORTER_PROBES_PROBE_RUNNER_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

struct ProbeSchedule {
  Duration interval;  // > 0, from start to start
  Duration timeout;   // > 0
  // From start() to the first run: probes that are started together need not
  // run in step.
  Duration first_after{0};
};

// How far a pool has come: what it did after a run of a probe failed tells
// whether that still holds.
struct PoolProgress {
  std::uint64_t opened = 0;   // connections
  std::uint64_t granted = 0;  // acquires
};
PoolProgress progress_of(const PoolStats& stats) noexcept;

// What a probe has found so far.
struct ProbeStats {
  std::uint64_t total = 0;
  std::vector<std::uint64_t> failures;  // by index in Probe::reasons()
  HistogramSnapshot duration;
  // Of the last run; nullopt before the first has ended.
  std::optional<bool> succeeded;
  TimePoint finished_at{};
  PoolProgress pool;   // when the last run ended
  Error last_failure;  // of the last run that failed
  std::optional<std::chrono::system_clock::time_point> last_success;
};

// Adds a run of `probe` that began at `started` and has ended now.
void count_run(const Probe& probe, const ProbeResult& result, TimePoint started,
               ProbeStats& stats);

// Told when a probe begins to fail (its error) and when it is back
// (nullptr), not at each run. Called on the probe's thread.
using ProbeChange =
    std::function<void(std::string_view probe, const ProbeFailure* failure)>;

// Thread-safety: start() and the destructor belong to the owner; every other
// member function is safe from any thread.
class ProbeRunner {
 public:
  // Does nothing before start(). `progress` is asked on the probe's thread,
  // after each run. `before`: what the one in whose place it comes has found.
  ProbeRunner(std::unique_ptr<Probe> probe, ProbeSchedule schedule,
              ProbeChange on_change, std::function<PoolProgress()> progress,
              std::optional<ProbeStats> before = std::nullopt);
  // Abandons a run under way, and blocks until it has ended.
  ~ProbeRunner();
  ProbeRunner(const ProbeRunner&) = delete;
  ProbeRunner& operator=(const ProbeRunner&) = delete;

  // Starts the thread, which runs first as the schedule says. Once, and before
  // the stops.
  void start();

  ProbeStats stats() const;
  const Probe& probe() const noexcept { return *probe_; }

  // Begins no further run; what a run under way finds is not counted. Does
  // not block.
  void request_stop() noexcept;
  // The same, and ends a run under way. Does not block.
  void abandon() noexcept;
  // Blocks until the thread is done (or was never started), or the deadline
  // passed: then false.
  bool wait_stopped(TimePoint deadline);

 private:
  void loop(const std::stop_token& stop);
  void sleep_until(TimePoint when, const std::stop_token& stop);
  void run_once(const std::stop_token& stop);
  void count(const ProbeResult& result, TimePoint started, PoolProgress pool);

  // Constant after construction.
  const std::unique_ptr<Probe> probe_;
  const ProbeSchedule schedule_;
  const ProbeChange on_change_;
  const std::function<PoolProgress()> progress_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_.
  ProbeStats stats_;
  bool running_ = false;

  std::stop_source abandoned_;
  std::jthread thread_;  // last: it uses all of the above; set by start()
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_PROBE_RUNNER_H_
