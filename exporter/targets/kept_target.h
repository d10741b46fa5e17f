// KeptTarget: one target of /probe: its pool, and what its probes have found
// since it is kept.
//
//   probe     what it runs                            where
//   connect   a fresh session, then closed            beside the pool
//   select_1  SELECT 1                                through the pool
//   server    max_connections and who uses the slots  through the pool
//   others    a statement of the operator's           through the pool
//
// One after the other, so that a target mostly has one connection.
#ifndef DBPOOL_EXPORTER_TARGETS_KEPT_TARGET_H_
#define DBPOOL_EXPORTER_TARGETS_KEPT_TARGET_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "dbpool/pool.h"
#include "exporter/metrics/metric_sink.h"
#include "exporter/probes/connect_probe.h"
#include "exporter/probes/custom_probe.h"
#include "exporter/probes/probe_runner.h"
#include "exporter/settings/settings.h"
#include "exporter/targets/slots_probe.h"
#include "exporter/targets/story.h"
#include "exporter/targets/target_name.h"

namespace dbpool::exporter {

// Numeric, and allowed; or why there are none.
using TargetAddresses = Expected<std::vector<std::string>>;

struct TargetRun {
  bool up = false;    // a session was had
  bool well = false;  // no probe failed
  std::string why;    // it is not well: of the first that failed; no secret
};

// Thread-safety: none, for one /probe at a time.
class KeptTarget final : public metrics::Source {
 public:
  // Has no pool before it has addresses. `events` are the module's.
  KeptTarget(std::shared_ptr<const ModuleSettings> module, TargetName target,
             std::shared_ptr<EventSink> events);

  // Runs every probe once. Blocks until all have ended, no longer than until
  // the deadline and the short grace of a statement that is cancelled, or
  // until `stop`.
  TargetRun run(const TargetAddresses& addresses, TimePoint deadline,
                const std::stop_token& stop, Story& story);

  // dbpool_up, and what the probes and the pool have to tell, labelled
  // pool="MODULE".
  void tell(metrics::Sink& sink) const override;

  // Ends its connections as they should be ended, until then at most.
  void close(TimePoint deadline);

 private:
  struct Line {
    std::unique_ptr<Probe> probe;
    ProbeStats stats;
    Duration most;  // that a run may take
  };

  PoolOptions pool_options() const;
  ConnectionString database_at(const std::vector<std::string>& addresses) const;
  Expected<void> aim(const std::vector<std::string>& addresses);
  void make_lines(const ConnectionString& database);
  void add_line(std::unique_ptr<Probe> probe, Duration most);
  bool has_connections() const;
  ProbeResult run_line(Line& line, const TargetAddresses& addresses,
                       TimePoint deadline, const std::stop_token& stop);
  ProbeResult not_run() const;
  std::string told(const Line& line, const ProbeResult& result, Duration took);
  bool succeeded(const Probe* probe) const;
  void tell_phases(metrics::Sink& sink) const;
  void tell_pool(metrics::Sink& sink) const;
  bool decides(const Line& line) const;

  // Constant after construction.
  const std::shared_ptr<const ModuleSettings> module_;
  const TargetName target_;
  const std::shared_ptr<EventSink> events_;

  // Set by the first aim(), and destroyed in reverse.
  std::vector<std::string> addresses_;  // sorted
  std::unique_ptr<Pool> pool_;
  std::vector<Line> lines_;
  const ConnectProbe* connect_ = nullptr;  // these are owned by lines_
  const SlotsProbe* slots_ = nullptr;
  std::vector<const CustomProbe*> custom_;

  bool is_up_ = false;                             // of the last run
  std::optional<ConnectFailure> connect_failure_;  // likewise
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_KEPT_TARGET_H_
