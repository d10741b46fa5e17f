// ServerProbe: how many of the database's own slots are taken?
//
// Reads over the connection beside the pool (ServerSession), which is one
// session on the server itself, counted as active in what it reports.
#ifndef DBPOOL_EXPORTER_PROBES_SERVER_PROBE_H_
#define DBPOOL_EXPORTER_PROBES_SERVER_PROBE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "exporter/diagnosis/server_session.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

// The label `state` of dbpool_server_connections: PostgreSQL's names, and
// "hidden" for sessions whose state the role may not see (it needs
// pg_monitor), "other" for what has no state or an unknown one.
inline constexpr std::array<std::string_view, 8> kServerStates = {
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
    "hidden",
    "other"};

struct ServerSlots {
  std::int32_t max_connections = 0;
  std::int32_t reserved_connections = 0;
  std::array<std::int64_t, kServerStates.size()> connections = {};
};

// Reads them over `connection`: two statements, with this deadline for both.
Expected<ServerSlots> read_server_slots(Connection& connection,
                                        TimePoint deadline,
                                        const std::stop_token& stop);

class ServerProbe : public Probe {
 public:
  explicit ServerProbe(std::shared_ptr<ServerSession> session);

  std::string_view name() const noexcept override { return "server"; }
  std::span<const std::string_view> reasons() const noexcept override;
  ProbeResult run(Duration timeout, const std::stop_token& stop) override;

  // What the last run read; nullopt before the first and after a failed one:
  // an old number would lie. Any thread.
  std::optional<ServerSlots> slots() const;

 private:
  const std::shared_ptr<ServerSession> session_;

  mutable std::mutex mutex_;
  std::optional<ServerSlots> slots_;  // guarded by mutex_
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_SERVER_PROBE_H_
