// ConnectProbe: can a fresh session be had right now?
//
// Opens a connection of its own, outside the pool and its limit, and closes
// it again: at most one more session on the server. What the pool's own
// openings take is in dbpool_connect_duration_seconds; this one's is in
// dbpool_probe_duration_seconds{probe="connect"} only.
#ifndef DBPOOL_EXPORTER_PROBES_CONNECT_PROBE_H_
#define DBPOOL_EXPORTER_PROBES_CONNECT_PROBE_H_

#include "dbpool/connect.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

class ConnectProbe : public Probe {
 public:
  // `server_statement_timeout` as in PoolOptions.
  explicit ConnectProbe(ConnectionString target,
                        std::optional<Duration> server_statement_timeout = {});

  std::string_view name() const noexcept override { return "connect"; }
  std::span<const std::string_view> reasons() const noexcept override;
  ProbeResult run(Duration timeout, const std::stop_token& stop) override;

  // Of the last run; none after a failed one. For the thread that runs it.
  const PhaseTimes& phases() const noexcept { return phases_; }

 private:
  const ConnectionString target_;
  const std::optional<Duration> server_statement_timeout_;

  PhaseTimes phases_ = {};
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_CONNECT_PROBE_H_
