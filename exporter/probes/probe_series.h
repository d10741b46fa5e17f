// What probes have found, as metrics.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_PROBES_PROBE_SERIES_H_
#define DBPOOL_EXPORTER_PROBES_PROBE_SERIES_H_

#include <optional>
#include <string_view>

#include "exporter/metrics/metric_sink.h"
#include "exporter/probes/custom_probe.h"
#include "exporter/probes/probe.h"
#include "exporter/probes/probe_runner.h"
#include "exporter/probes/server_probe.h"

namespace dbpool::exporter {

// dbpool_probe_* but for the values.
void tell_probe(metrics::Sink& sink, std::string_view pool_name,
                const Probe& asked, const ProbeStats& stats);

// dbpool_server_*.
void tell_slots(metrics::Sink& sink, std::string_view pool_name,
                const std::optional<ServerSlots>& slots);

// dbpool_probe_value.
void tell_values(metrics::Sink& sink, std::string_view pool_name,
                 const CustomProbe& probe);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_PROBE_SERIES_H_
