// PoolStats: one consistent snapshot of a pool.
//
// All values of one snapshot belong to one instant (the query statistics,
// which live outside the pool's lock, to one instant shortly after). Counters
// and integrals never fall between two snapshots of a pool.
//
// Thread-safety: a plain value; it shares nothing with the pool.
#ifndef DBPOOL_STATS_H_
#define DBPOOL_STATS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "dbpool/tls.h"

namespace dbpool {

// The state of a connection; the five sum to `total`.
enum class ConnectionState : std::uint8_t {
  kOpening,   // being opened
  kChecking,  // being checked before it is lent, or cleaned after a return
  kIdle,      // ready to be lent
  kActive,    // leased
  kClosing,   // being closed; counts until the server's end is seen
};
inline constexpr std::size_t kConnectionStateCount = 5;

// What a waiting request waits for.
enum class WaitReason : std::uint8_t {
  kCapacity,     // leased and closing connections fill the limit
  kOpening,      // one is, or will be, opened or checked for the queue
  kBackendDown,  // none is live, and the last opening failed
  kServerSlots,  // the server refused the last opening for want of slots
};
// The first line that fits decides, for the request that has p others before
// it in the queue. Let live = idle + active + checking; what the last opening
// said stands until the next one ends.
//   live = 0, the last opening was refused for want of slots  kServerSlots
//   live = 0, the last opening failed otherwise               kBackendDown
//   p < checking                                              kOpening
//   the last opening was refused for want of slots, and
//     total - opening < max_connections                       kServerSlots
//   p < checking + opening                                    kOpening
//   total < max_connections                                   kOpening
//   active = 0, and at least one is opening or checking, or
//     is closing since it was lost (broken, check_failed or
//     dirty)                                                  kOpening
//   otherwise                                                 kCapacity
// So a database that is down or frozen is not reported as kCapacity when no
// lease is out, nor a full pool as a database that is down. While leases are
// out on a frozen database it is kCapacity: on the wire a server that hangs
// looks like one that is slow, until a statement times out. A fresh connection
// tells them apart: the exporter's probe (dbpool_up, /health, the alerts).
inline constexpr std::size_t kWaitReasonCount = 4;

// Why a connection was closed; the label `reason` of
// dbpool_connections_closed_total.
enum class CloseReason : std::uint8_t {
  kIdleTimeout,
  kMaxUses,
  kMaxLifetime,
  kBroken,
  kCheckFailed,
  kDirty,
  kResize,
  kDrain,
  kReload,  // opened before Pool::retarget(), and replaced
};
inline constexpr std::size_t kCloseReasonCount = 9;

// The phases of an opening.
enum class ConnectPhase : std::uint8_t { kResolve, kTcp, kTls, kAuth };
inline constexpr std::size_t kConnectPhaseCount = 4;

std::string_view to_string(ConnectionState state) noexcept;
std::string_view to_string(WaitReason reason) noexcept;
std::string_view to_string(CloseReason reason) noexcept;
std::string_view to_string(ConnectPhase phase) noexcept;

// Upper bounds of the histogram buckets in nanoseconds (0.1 ms … 60 s); the
// last bucket of a HistogramSnapshot is unbounded.
inline constexpr std::array<std::int64_t, 18> kLatencyBoundsNs = {
    100'000,        250'000,        500'000,       1'000'000,     2'500'000,
    5'000'000,      10'000'000,     25'000'000,    50'000'000,    100'000'000,
    250'000'000,    500'000'000,    1'000'000'000, 2'500'000'000, 5'000'000'000,
    10'000'000'000, 30'000'000'000, 60'000'000'000};

struct HistogramSnapshot {
  // Observations per bucket, not cumulative; the last is > 60 s.
  std::array<std::uint64_t, kLatencyBoundsNs.size() + 1> counts = {};
  std::chrono::nanoseconds sum{0};

  std::uint64_t count() const noexcept {
    std::uint64_t total = 0;
    for (std::uint64_t in_bucket : counts) total += in_bucket;
    return total;
  }
};

// Statistics of the statements run under one name.
struct QueryStats {
  std::string name;  // the caller's, "unnamed" or "other"
  std::uint64_t total = 0;
  std::array<std::uint64_t, kStatementFailureCount> failures = {};
  HistogramSnapshot duration;  // on the wire, failed ones included
};

// The last opening that failed, or empty.
struct LastFailure {
  bool seen = false;
  ConnectFailure reason = ConnectFailure::kOther;
  std::string message;  // redacted
  std::chrono::seconds ago{0};
};

// TLS as the connection that was opened last has it.
struct TlsStats {
  std::string version;  // e.g. "TLSv1.3"; empty: none opened, or without TLS
  std::string cipher;   // e.g. "TLS_AES_256_GCM_SHA384"
  // When certificates end; nullopt: none, or not known (yet).
  std::optional<WallTime> server;
  std::optional<WallTime> client;
  // The earliest of the CAs that were given (TlsMaterial) and of those that
  // the server's certificate was verified by.
  std::optional<WallTime> ca;
};

// Statements of Pool::async_execute(); all 0 where pipeline_depth is below 2.
//
// Such a statement waits until it is handed to a connection; then it is in
// flight, first behind those that were handed to the same connection before
// it, until the server has ended it or the connection has gone. One whose
// caller has been answered stays in flight. The connections that carry them
// are leases of the multiplexer: they count as kActive, and what it waits for
// them as any request does. The time on the wire in QueryStats begins when a
// statement is handed over, so waiting behind others is part of it.
struct MultiplexStats {
  // Gauges.
  std::uint32_t depth = 0;      // PoolOptions::pipeline_depth
  std::uint32_t carriers = 0;   // of the active connections
  std::uint32_t waiting = 0;    // statements that wait
  std::uint32_t in_flight = 0;  // at most carriers * depth

  // Integrals over time of the three gauges above.
  std::chrono::nanoseconds carrier_time{0};
  std::chrono::nanoseconds waiting_time{0};
  std::chrono::nanoseconds in_flight_time{0};

  // Counters.
  std::uint64_t answered = 0;   // callers, however it ended
  std::uint64_t abandoned = 0;  // of those: while it was in flight

  // Histograms.
  HistogramSnapshot wait_sent;    // from the call until it was handed over
  HistogramSnapshot wait_failed;  // from the call to the end of one never sent
  // From handed over until nothing was before it; 0 where nothing was.
  HistogramSnapshot head_of_line;
};

struct PoolStats {
  std::string name;
  // Where the pool connects to; lists joined with ',' for several hosts.
  std::string host, port, database, user;
  bool closed = false;  // close() was called

  // Gauges.
  std::array<std::uint32_t, kConnectionStateCount> connections = {};
  std::uint32_t total = 0;  // the sum of connections
  std::array<std::uint32_t, kWaitReasonCount> waiting = {};
  std::uint32_t waiting_total = 0;  // the sum of waiting
  std::uint32_t max_connections = 0;
  std::uint32_t min_connections = 0;
  std::uint32_t max_waiting_requests = 0;
  std::uint32_t waiting_peak = 0;  // highest queue within the last 60 s
  std::uint32_t overdue_leases = 0;
  std::chrono::nanoseconds oldest_waiting_age{0};  // 0 when none
  std::chrono::nanoseconds oldest_lease_age{0};    // 0 when none
  bool backing_off = false;                        // no opening may start now
  LastFailure last_failure;
  TlsStats tls;

  // Integrals over time.
  std::array<std::chrono::nanoseconds, kWaitReasonCount> waiting_time = {};
  std::chrono::nanoseconds exhausted_time{0};
  std::array<std::chrono::nanoseconds, kConnectionStateCount> connection_time =
      {};
  std::chrono::nanoseconds max_connection_time{0};

  // Counters.
  std::uint64_t acquires = 0;  // finished, failed ones included
  std::uint64_t acquires_waited = 0;
  std::array<std::uint64_t, kAcquireFailureCount> acquire_failures = {};
  std::uint64_t leaks_suspected = 0;
  std::uint64_t dirty_returns = 0;
  std::uint64_t opened = 0;
  std::array<std::uint64_t, kConnectFailureCount> connect_failures = {};
  std::array<std::uint64_t, kCloseReasonCount> closed_by_reason = {};

  // Histograms.
  HistogramSnapshot wait_granted;  // acquire to lease; 0 if none was waited
  HistogramSnapshot wait_failed;
  HistogramSnapshot lease_duration;
  double lease_seconds_squared = 0;    // the sum of their squares, in s²
  HistogramSnapshot connect_duration;  // successful openings
  std::array<HistogramSnapshot, kConnectPhaseCount> connect_phase;

  std::vector<QueryStats> queries;  // sorted by name
  MultiplexStats multiplex;         // of an instant shortly after, as queries
};

}  // namespace dbpool

#endif  // DBPOOL_STATS_H_
