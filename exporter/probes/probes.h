// Probes: the three probes of one pool, those that the operator wrote, and
// their metrics.
//
//   probe     what it runs                             where
//   connect   a fresh session, then closed             outside the pool
//   select_1  one statement, as a request would        through the pool
//   server    max_connections and who uses the slots   one kept connection
//   others    a statement of the operator's            through the pool
#ifndef DBPOOL_EXPORTER_PROBES_PROBES_H_
#define DBPOOL_EXPORTER_PROBES_PROBES_H_

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/connect.h"
#include "dbpool/pool.h"
#include "exporter/metrics/metric_sink.h"
#include "exporter/probes/custom_probe.h"
#include "exporter/probes/probe_runner.h"
#include "exporter/probes/server_probe.h"

namespace dbpool::exporter {

// A probe without a schedule is off and has no series.
struct ProbeOptions {
  std::optional<ProbeSchedule> connect;
  std::optional<ProbeSchedule> select;
  std::string select_sql = "SELECT 1";
  std::optional<ProbeSchedule> server;
  // Valid. Each runs first after a random part of its interval, but soon; the
  // three above run at once, for what waits for the first of them.
  std::vector<CustomProbeOptions> custom = {};
};

// Thread-safety: start() and the destructor belong to the owner; every other
// member function is safe from any thread.
class Probes final : public metrics::Source {
 public:
  // Nothing runs before start(). `pool` must outlive the probes. `session` is
  // what the server probe asks over; may be null when options.server is off.
  // `before`, if any, are those in whose place these come: what they have found
  // holds on.
  Probes(Pool& pool, const ProbeOptions& options,
         std::shared_ptr<ServerSession> session, const ProbeChange& on_change,
         const Probes* before = nullptr);
  // Abandons those under way, and blocks until none is.
  ~Probes() override { abandon(); }

  // Starts them. Once, and before the stops.
  void start();

  // What each has found; nullopt when it is off.
  std::optional<ProbeStats> connect() const { return stats_of(connect_); }
  std::optional<ProbeStats> select() const { return stats_of(select_); }
  std::optional<ProbeStats> server() const { return stats_of(server_); }
  // Of one that the operator wrote; nullopt when there is none of that name.
  std::optional<ProbeStats> custom(std::string_view name) const;
  // Each of them by its name, in the order of their options.
  std::vector<std::pair<std::string, ProbeStats>> custom() const;

  // Begins no further runs; does not block.
  void request_stop() noexcept;
  // The same, and ends those under way; does not block.
  void abandon() noexcept;
  // Blocks until none runs, or the deadline passed: then false.
  bool wait_stopped(TimePoint deadline);

  void tell(metrics::Sink& sink) const override;

 private:
  using Runner = std::unique_ptr<ProbeRunner>;

  static std::optional<ProbeStats> stats_of(const Runner& runner);
  void add_custom(Pool& pool, const std::vector<CustomProbeOptions>& all,
                  const ProbeChange& on_change, const Probes* before);
  // Constant after construction.
  const std::string pool_name_;
  Runner connect_, select_, server_;           // null when off
  const ServerProbe* server_probe_ = nullptr;  // owned by server_
  std::vector<Runner> custom_;
  std::vector<const CustomProbe*> custom_probes_;  // owned by custom_
  std::vector<ProbeRunner*> runners_;              // all of them
};

// When a probe that the operator wrote runs first: after a part of its
// interval, 5 s at most.
Duration first_run_after(Duration interval, std::mt19937_64& random);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_PROBES_H_
