// SlotsProbe: what the server probe reads, through a target's pool: one
// connection to a target is enough.
#ifndef DBPOOL_EXPORTER_TARGETS_SLOTS_PROBE_H_
#define DBPOOL_EXPORTER_TARGETS_SLOTS_PROBE_H_

#include <optional>

#include "dbpool/pool.h"
#include "exporter/probes/probe.h"
#include "exporter/probes/server_probe.h"

namespace dbpool::exporter {

// Thread-safety: none.
class SlotsProbe final : public Probe {
 public:
  // `pool` must outlive the probe.
  explicit SlotsProbe(Pool& pool) : pool_(pool) {}

  std::string_view name() const noexcept override { return "server"; }
  std::span<const std::string_view> reasons() const noexcept override;
  ProbeResult run(Duration timeout, const std::stop_token& stop) override;

  // As of ServerProbe.
  const std::optional<ServerSlots>& slots() const noexcept { return slots_; }

 private:
  Pool& pool_;
  std::optional<ServerSlots> slots_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_SLOTS_PROBE_H_
