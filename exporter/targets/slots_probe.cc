#include "exporter/targets/slots_probe.h"

#include <utility>

#include "exporter/probes/pooled_probe.h"

namespace dbpool::exporter {

std::span<const std::string_view> SlotsProbe::reasons() const noexcept {
  static constexpr auto kReasons = pooled_reasons();
  return kReasons;
}

ProbeResult SlotsProbe::run(Duration timeout, const std::stop_token& stop) {
  slots_.reset();
  const TimePoint deadline = Clock::now() + timeout;
  auto lease = acquire_for_probe(pool_, name(), deadline, stop);
  if (!lease) return Unexpected(std::move(lease.error()));
  auto slots = read_server_slots(**lease, deadline, stop);
  if (!slots) return Unexpected(std::move(slots.error()));
  slots_ = *slots;
  return {};
}

}  // namespace dbpool::exporter
