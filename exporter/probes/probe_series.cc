#include "exporter/probes/probe_series.h"

#include <cstddef>
#include <vector>

#include "exporter/metrics/metric_names.h"

namespace dbpool::exporter {

void tell_probe(metrics::Sink& sink, std::string_view pool_name,
                const Probe& asked, const ProbeStats& stats) {
  const metrics::Label pool{"pool", pool_name};
  const metrics::Label probe{"probe", asked.name()};
  sink.add(metrics::kProbes, {pool, probe}, static_cast<double>(stats.total));
  const auto reasons = asked.reasons();
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    sink.add(metrics::kProbeFailures, {pool, probe, {"reason", reasons[i]}},
             static_cast<double>(stats.failures[i]));
  }
  if (stats.succeeded) {
    sink.add(metrics::kProbeSuccess, {pool, probe}, *stats.succeeded ? 1 : 0);
  }
  if (stats.last_success) {
    sink.add(metrics::kProbeLastSuccess, {pool, probe},
             metrics::seconds(stats.last_success->time_since_epoch()));
  }
  sink.add(metrics::kProbeDuration, {pool, probe}, stats.duration);
}

void tell_slots(metrics::Sink& sink, std::string_view pool_name,
                const std::optional<ServerSlots>& slots) {
  if (!slots) return;
  const metrics::Label pool{"pool", pool_name};
  sink.add(metrics::kServerMaxConnections, {pool}, slots->max_connections);
  sink.add(metrics::kServerReservedConnections, {pool},
           slots->reserved_connections);
  for (std::size_t i = 0; i < kServerStates.size(); ++i) {
    sink.add(metrics::kServerConnections, {pool, {"state", kServerStates[i]}},
             static_cast<double>(slots->connections[i]));
  }
}

void tell_values(metrics::Sink& sink, std::string_view pool_name,
                 const CustomProbe& probe) {
  for (const ProbeValue& value : probe.values()) {
    std::vector<metrics::Label> labels = {
        {"pool", pool_name}, {"probe", probe.name()}, {"column", value.column}};
    for (std::size_t i = 0; i < value.labels.size(); ++i) {
      labels.push_back({probe.options().labels[i], value.labels[i]});
    }
    sink.add(metrics::kProbeValue, labels, value.value);
  }
}

}  // namespace dbpool::exporter
