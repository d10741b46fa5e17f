// MonitoredPool: one pool with all that runs on it and watches it: probes,
// workload, diagnosis, health.
#ifndef DBPOOL_EXPORTER_MONITORED_POOL_H_
#define DBPOOL_EXPORTER_MONITORED_POOL_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "dbpool/pool.h"
#include "exporter/base/ticker.h"
#include "exporter/diagnosis/exhaustion_watch.h"
#include "exporter/diagnosis/server_session.h"
#include "exporter/http/debug_pools_handler.h"
#include "exporter/http/health_handler.h"
#include "exporter/live/live_json.h"
#include "exporter/logging/event_log.h"
#include "exporter/logging/logger.h"
#include "exporter/metrics/metric_sink.h"
#include "exporter/metrics/pool_metrics.h"
#include "exporter/metrics/recent_acquires.h"
#include "exporter/probes/probes.h"
#include "exporter/settings/settings.h"
#include "exporter/workload/workload.h"

namespace dbpool::exporter {

// Thread-safety: start(), apply(), stop() and the destructor belong to the
// owner, who calls one at a time; every other member function is safe from any
// thread.
class MonitoredPool final : public metrics::Source {
 public:
  // Has everything but the load: the pool keeps no floor, no probe runs.
  // `settings` must have a database. The session beside the pool is being
  // opened when this returns. `log` must outlive the pool. The error is one
  // line.
  static tl::expected<std::unique_ptr<MonitoredPool>, std::string> create(
      PoolSettings settings, std::shared_ptr<ReportNumbers> numbers,
      Logger& log);
  ~MonitoredPool() override = default;
  MonitoredPool(const MonitoredPool&) = delete;
  MonitoredPool& operator=(const MonitoredPool&) = delete;

  // Fills the floor, and starts probes, diagnosis and workload. Blocks until
  // the session beside the pool has had its turn at the database, but no
  // longer than until `head_start`. Once.
  void start(TimePoint head_start);

  // Whether apply() can put these in force; else it takes another pool.
  bool can_apply(const PoolSettings& settings) const;
  // Puts `settings` in force while the pool runs: what has not changed goes on
  // undisturbed, requests under way end as they would have, counters go on.
  // What has changed, in words for a log; empty: nothing. Blocks for a second
  // at most, and only when a probe changes while it runs. After start().
  std::string apply(PoolSettings settings);

  // Ends all that runs on the pool and drains it, for its drain timeout at
  // most; then the pool is closed. What does not end is told by
  // wait_stopped().
  CloseReport stop();
  // Blocks until neither a probe nor a report is under way, or the deadline
  // passed: what is still under way then, for a log; nullopt otherwise.
  std::optional<std::string_view> wait_stopped(TimePoint deadline);

  const std::string& name() const noexcept { return name_; }
  Duration drain_timeout() const { return parts().settings->drain_timeout; }
  Pool& pool() noexcept { return *pool_; }
  const Pool& pool() const noexcept { return *pool_; }
  // Null when none was asked for.
  std::shared_ptr<Workload> workload() const { return parts().workload; }

  // With the floor of the settings, which is the pool's once it is started.
  PoolStats stats() const;
  PoolHealth health() const;
  LivePool live() const;
  PoolHolders holders() const;
  // The newest first.
  std::vector<ReportPtr> reports() const { return watch_->reports(); }
  // Has a report taken soon; its number.
  std::uint64_t ask_for_report() { return watch_->ask(); }

  void tell(metrics::Sink& sink) const override;

 private:
  // What apply() exchanges.
  struct Parts {
    std::shared_ptr<const PoolSettings> settings;
    std::shared_ptr<Probes> probes;
    std::shared_ptr<Workload> workload;  // null when none was asked for
  };

  MonitoredPool(PoolSettings settings, Logger& log);

  tl::expected<void, std::string> make_pool();
  std::shared_ptr<Probes> make_probes(const PoolSettings& settings,
                                      const Probes* before);
  std::shared_ptr<Workload> make_workload(const PoolSettings& settings,
                                          const Workload* before);
  void make_watch(std::shared_ptr<ReportNumbers> numbers);
  Parts parts() const;
  void exchange_probes(const PoolSettings& settings);
  void exchange_workload(const PoolSettings& settings);
  void stop_probes();
  void log_leases_out();

  // Constant after construction.
  const std::string name_;
  Logger& log_;
  const std::shared_ptr<EventLog> events_;
  const std::shared_ptr<ServerSession> server_session_;

  // Set by create(), and destroyed in reverse: what uses the pool goes before
  // it.
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<prometheus::PoolMetrics> metrics_;
  RecentAcquires recent_acquires_;
  std::unique_ptr<Ticker> sampler_;  // of recent_acquires_
  mutable std::mutex mutex_;
  Parts parts_;  // guarded by mutex_; changed by the owner only
  // The owner's: those that others came in the place of, while their requests
  // end.
  std::vector<std::shared_ptr<Workload>> leaving_;
  std::unique_ptr<ExhaustionWatch> watch_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_MONITORED_POOL_H_
