// CustomProbe: does what the operator asks of the database hold?
//
// Runs one statement through the pool, as a request does (tag "probe NAME",
// statement "probe_NAME"), and looks at the rows: how many there are, what
// stands in the first, and the numbers that become dbpool_probe_value.
#ifndef DBPOOL_EXPORTER_PROBES_CUSTOM_PROBE_H_
#define DBPOOL_EXPORTER_PROBES_CUSTOM_PROBE_H_

#include <mutex>
#include <string>
#include <vector>

#include "dbpool/pool.h"
#include "exporter/probes/custom_probe_options.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

// One series.
struct ProbeValue {
  std::string column;
  std::vector<std::string> labels;  // in the order of the options'
  double value = 0;
};

class CustomProbe final : public Probe {
 public:
  // `options` are valid. `pool` must outlive the probe.
  CustomProbe(Pool& pool, CustomProbeOptions options);

  std::string_view name() const noexcept override { return options_.name; }
  std::span<const std::string_view> reasons() const noexcept override;
  ProbeResult run(Duration timeout, const std::stop_token& stop) override;

  const CustomProbeOptions& options() const noexcept { return options_; }
  // What the last run read; none before the first and after a failed one: an
  // old number would lie. Any thread.
  std::vector<ProbeValue> values() const;

 private:
  tl::expected<std::vector<ProbeValue>, ProbeFailure> ask(
      Duration timeout, const std::stop_token& stop);
  ProbeResult check_role(Connection& connection,
                         const ExecuteOptions& options) const;

  // Constant after construction.
  Pool& pool_;
  const CustomProbeOptions options_;
  const std::string statement_;  // its name
  const Params parameters_;

  mutable std::mutex mutex_;
  std::vector<ProbeValue> values_;  // guarded by mutex_
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_CUSTOM_PROBE_H_
