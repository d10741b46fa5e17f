// WorkloadEngine: the thread and the coroutines behind a Workload.
#ifndef DBPOOL_EXPORTER_WORKLOAD_ENGINE_H_
#define DBPOOL_EXPORTER_WORKLOAD_ENGINE_H_

#include <asio/awaitable.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstddef>
#include <cstdint>
#include <future>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "dbpool/pool.h"
#include "exporter/workload/arrivals.h"
#include "exporter/workload/metrics.h"
#include "exporter/workload/options.h"
#include "exporter/workload/script/run.h"
#include "exporter/workload/script/variables.h"

namespace dbpool::exporter {

// Thread-safety: the public functions from any thread; run() once, on the
// workload's own. Everything else happens inside run().
class WorkloadEngine {
 public:
  // `before` may be null; see WorkloadMetrics.
  WorkloadEngine(Pool& pool, const WorkloadOptions& options,
                 AcquireRefusal on_refusal, ScriptFailure on_script_failure,
                 const WorkloadMetrics* before = nullptr);

  // Runs until finish() or stop() was called and every request has ended.
  void run();
  void set_rate(double per_second);
  void set_clients(std::uint32_t clients);
  void finish();
  void stop();
  void cancel();
  // True once run() has returned.
  bool wait(TimePoint deadline) const;

  const WorkloadMetrics& metrics() const noexcept { return metrics_; }

 private:
  struct Task;
  using Failure = std::optional<std::size_t>;

  void begin_finish();
  void begin_stop();
  void begin_cancel();
  void adjust_clients(std::uint32_t wanted);
  void schedule_arrivals();
  void on_arrivals_due();
  void arrive(TimePoint due);
  std::size_t choose();

  asio::awaitable<void> run_client(std::unique_ptr<Task> task);
  asio::awaitable<void> run_arrival(std::unique_ptr<Task> task,
                                    std::size_t workload, TimePoint due);
  asio::awaitable<Failure> request(Task* task, std::size_t workload);
  std::size_t refused(std::size_t workload, const Error& error) const;
  asio::awaitable<Failure> share_connection(Task* task, std::size_t workload);
  asio::awaitable<Failure> use_lease(Task* task, std::size_t workload,
                                     Lease lease);
  asio::awaitable<Failure> run_statement(Task* task, std::size_t workload,
                                         Connection* connection);
  asio::awaitable<bool> hold(Task* task, TimePoint until);
  asio::awaitable<void> sleep(Task* task, TimePoint until);

  // engine_scripts.cc
  static std::optional<std::int64_t> known_scale(
      const WorkloadOptions& options);
  asio::awaitable<Failure> run_script(Task* task, std::size_t workload,
                                      Connection* connection);
  asio::awaitable<Failure> run_commands(Task* task, std::size_t workload,
                                        Connection* connection);
  asio::awaitable<Failure> run_query(Task* task, std::size_t workload,
                                     Connection* connection, script::Run* run,
                                     const script::Run::Query* query);
  asio::awaitable<Failure> learn_scale(Task* task, Connection* connection);
  std::unique_ptr<script::Variables> take_variables();
  std::size_t broke_off(std::size_t workload, const std::string& problem) const;

  // Constant after construction.
  Pool& pool_;  // untouched once stopping_
  const WorkloadOptions options_;
  const std::vector<std::string> names_;  // by workload
  const bool shares_connections_;         // see share_connection()
  const AcquireRefusal on_refusal_;
  const ScriptFailure on_script_failure_;
  const std::uint64_t seed_;
  std::vector<Tag> tags_;  // by workload

  // Safe from any thread.
  WorkloadMetrics metrics_;
  std::promise<void> ended_promise_;
  const std::shared_future<void> ended_;

  // The workload's thread only.
  std::mt19937_64 random_;
  Arrivals arrivals_;
  std::discrete_distribution<std::size_t> scripts_;  // by weight
  std::size_t next_workload_ = 0;
  std::uint32_t clients_wanted_ = 0;
  std::uint32_t clients_ = 0;
  std::uint32_t arrivals_in_flight_ = 0;
  // Of scripts: what their clients begin with, and those at rest.
  const std::int64_t default_seed_;
  std::optional<std::int64_t> scale_;  // nullopt: not known yet
  std::int64_t next_client_id_ = 0;
  std::vector<std::unique_ptr<script::Variables>> idle_variables_;
  bool finishing_ = false;   // nothing new starts
  bool stopping_ = false;    // nor does anything wait
  bool cancelling_ = false;  // nothing goes on either
  std::list<Task*> tasks_;

  // Last: it owns the coroutines, whose tasks unlist themselves when it goes.
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer arrival_timer_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WORKLOAD_ENGINE_H_
