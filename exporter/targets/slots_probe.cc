#include "exporter/targets/slots_probe.h"

#include <utility>

#include "exporter/probes/select_probe.h"

namespace dbpool::exporter {

// It fails as any statement through a pool does.
std::span<const std::string_view> SlotsProbe::reasons() const noexcept {
  return SelectProbe::all_reasons();
}

ProbeResult SlotsProbe::run(Duration timeout, const std::stop_token& stop) {
  slots_.reset();
  const TimePoint deadline = Clock::now() + timeout;
  AcquireOptions options(deadline);
  options.tag = Tag("probe server");
  options.stop = stop;
  auto lease = pool_.acquire(options);
  if (!lease) return Unexpected(std::move(lease.error()));
  auto slots = read_server_slots(**lease, deadline, stop);
  if (!slots) return Unexpected(std::move(slots.error()));
  slots_ = *slots;
  return {};
}

}  // namespace dbpool::exporter
