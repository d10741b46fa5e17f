// What probes that go through a pool have in common: they take a lease as any
// request does, and fail as requests do.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_PROBES_POOLED_PROBE_H_
#define DBPOOL_EXPORTER_PROBES_POOLED_PROBE_H_

#include <array>
#include <stop_token>
#include <string_view>

#include "dbpool/pool.h"

namespace dbpool::exporter {

// Why one of their runs can fail, but for "other", which is the last of each.
inline constexpr std::array<std::string_view, 11> kPooledReasons = {
    "timeout_capacity", "timeout_opening", "timeout_backend_down",
    "queue_full",       "backend_down",    "server_slots",
    "cancelled",        "closed",          "statement_timeout",
    "connection_lost",  "server_error"};

// kPooledReasons, those of one's own, and "other".
template <typename... Own>
constexpr auto pooled_reasons(Own... own) {
  std::array<std::string_view, kPooledReasons.size() + sizeof...(own) + 1> all;
  auto next = all.begin();
  for (const std::string_view reason : kPooledReasons) *next++ = reason;
  ((*next++ = own), ...);
  *next = "other";
  return all;
}

// A lease with the tag "probe NAME"; waits no longer than until `deadline`,
// and than the pool lets a request wait. Blocks; gives up at `stop`.
Expected<Lease> acquire_for_probe(Pool& pool, std::string_view name,
                                  TimePoint deadline,
                                  const std::stop_token& stop);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROBES_POOLED_PROBE_H_
