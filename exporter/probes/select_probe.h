// SelectProbe: what does a request through the pool feel?
//
// Acquires as any request does (tag "probe select_1"), runs one statement
// (name "probe_select_1") and gives the lease back, all within one timeout.
// It waits for a lease no longer than the pool lets a request wait, and fails
// when the pool is exhausted, as requests do.
#ifndef DBPOOL_EXPORTER_PROBES_SELECT_PROBE_H_
#define DBPOOL_EXPORTER_PROBES_SELECT_PROBE_H_

#include <string>

#include "dbpool/pool.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

class SelectProbe : public Probe {
 public:
  // `pool` must outlive the probe.
  SelectProbe(Pool& pool, std::string sql);

  std::string_view name() const noexcept override { return "select_1"; }
  std::span<const std::string_view> reasons() const noexcept override;
  ProbeResult run(Duration timeout, const std::stop_token& stop) override;

 private:
  Pool& pool_;
  const std::string sql_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_SELECT_PROBE_H_
