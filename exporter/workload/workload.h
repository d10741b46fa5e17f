// Workload: load on a pool, so that one sees how it behaves before users
// feel it. Closed loop (clients with think time), open loop (Poisson
// arrivals), or both at once.
//
// Each request acquires a lease (tag "workload <name>"), runs one statement
// or one script, keeps the lease for `hold`, and gives it back; with a pool
// whose pipeline_depth is above 1 it runs a statement by Pool::async_execute(),
// without a lease and `hold`. All requests run as
// coroutines on one thread of the workload's own: ten thousand that wait
// cost memory, not threads.
//
// An open loop measures from when a request was due, not from when it could
// start; a closed loop from its start. After a failure a client of a closed
// loop pauses (failure_pause() in arrivals.h); an open loop does not.
//
// Thread-safety: start() and the destructor belong to the owner; every other
// member function is safe from any number of threads after start().
// Lifetime: the pool must outlive the calls to start() … stop(); leases that
// are still held share the pool's core.
#ifndef DBPOOL_EXPORTER_WORKLOAD_WORKLOAD_H_
#define DBPOOL_EXPORTER_WORKLOAD_WORKLOAD_H_

#include <cstdint>
#include <memory>
#include <thread>

#include "dbpool/pool.h"
#include "exporter/workload/metrics.h"
#include "exporter/workload/options.h"

namespace dbpool::exporter {

class WorkloadEngine;

class Workload final : public metrics::Source {
 public:
  // Does nothing before start(). `options` must be valid (validate()).
  // `on_refusal` and `on_script_failure` may be empty. `before`, if any, is the
  // one in whose place this comes: counts go on from there.
  Workload(Pool& pool, const WorkloadOptions& options,
           AcquireRefusal on_refusal = {}, ScriptFailure on_script_failure = {},
           const Workload* before = nullptr);
  // stop(), then cancels what is left, waits a few seconds for it at most,
  // and goes.
  ~Workload() override;
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  // Starts the thread and the load. Once.
  void start();

  // Changes the load while it runs, within the ranges of WorkloadOptions
  // (values beyond are clamped). Fewer clients: the surplus ones leave after
  // the request or the pause they are in.
  void set_rate(double per_second);
  void set_clients(std::uint32_t clients);

  // Ends the load as gently as can be, without blocking: nothing new starts,
  // and all that has begun goes on to its end, those that wait as well.
  void finish();
  // Ends the load, without blocking: nothing new starts, requests that wait
  // for a lease are cancelled. Those that have one finish and give it back:
  // the pool's close() waits for them. Idempotent.
  void stop();
  // Cancels also those that have a lease: statements are cancelled on the
  // server, holds are cut short. Without blocking; implies stop().
  void cancel();
  // Blocks until every request has ended after finish() or stop(), or
  // `deadline`.
  // True if every one has.
  bool wait(TimePoint deadline);

  const WorkloadMetrics& metrics() const noexcept;
  void tell(metrics::Sink& sink) const override;

 private:
  // Shared with the thread, which outlives this object when requests do not
  // end.
  const std::shared_ptr<WorkloadEngine> engine_;

  // Constant after construction.
  const double initial_rate_;
  const std::uint32_t initial_clients_;

  // Set by start().
  std::thread thread_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WORKLOAD_WORKLOAD_H_
