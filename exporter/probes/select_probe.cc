#include "exporter/probes/select_probe.h"

#include <algorithm>
#include <array>
#include <utility>

namespace dbpool::exporter {

SelectProbe::SelectProbe(Pool& pool, std::string sql)
    : pool_(pool), sql_(std::move(sql)) {}

std::span<const std::string_view> SelectProbe::all_reasons() noexcept {
  static constexpr std::array<std::string_view, 12> kReasons = {
      "timeout_capacity", "timeout_opening", "timeout_backend_down",
      "queue_full",       "backend_down",    "server_slots",
      "cancelled",        "closed",          "statement_timeout",
      "connection_lost",  "server_error",    "other"};
  return kReasons;
}

ProbeResult SelectProbe::run(Duration timeout, const std::stop_token& stop) {
  const TimePoint now = Clock::now();
  const TimePoint deadline = now + timeout;
  AcquireOptions options(now +
                         std::min(timeout, pool_.options().acquire_timeout));
  options.tag = Tag("probe select_1");
  options.stop = stop;
  auto lease = pool_.acquire(options);
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
