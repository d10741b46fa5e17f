#include "exporter/probes/select_probe.h"

#include <utility>

#include "exporter/probes/pooled_probe.h"

namespace dbpool::exporter {

SelectProbe::SelectProbe(Pool& pool, std::string sql)
    : pool_(pool), sql_(std::move(sql)) {}

std::span<const std::string_view> SelectProbe::reasons() const noexcept {
  static constexpr auto kReasons = pooled_reasons();
  return kReasons;
}

ProbeResult SelectProbe::run(Duration timeout, const std::stop_token& stop) {
  const TimePoint deadline = Clock::now() + timeout;
  auto lease = acquire_for_probe(pool_, name(), deadline, stop);
  if (!lease) return Unexpected(std::move(lease.error()));
  ExecuteOptions execute;
  execute.timeout = deadline - Clock::now();
  execute.stop = stop;
  execute.max_result_bytes = kLargestProbeResult;
  auto rows = (*lease)->execute({kSelectProbeStatement, sql_}, {}, execute);
  if (!rows) return Unexpected(std::move(rows.error()));
  return {};
}

}  // namespace dbpool::exporter
