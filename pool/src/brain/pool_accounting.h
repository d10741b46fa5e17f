// PoolAccounting: what the brain has counted: integrals, counters, histograms.
//
// Thread-safety: none. Nothing here ever falls.
#ifndef DBPOOL_POOL_SRC_BRAIN_POOL_ACCOUNTING_H_
#define DBPOOL_POOL_SRC_BRAIN_POOL_ACCOUNTING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "dbpool/stats.h"
#include "pool/src/brain/latency_histogram.h"
#include "pool/src/brain/time_integral.h"

namespace dbpool::detail {

class PoolIntegrals {
 public:
  void add_connections(
      const std::array<std::uint32_t, kConnectionStateCount>& counts,
      std::uint32_t max_connections, Duration span) noexcept {
    for (std::size_t i = 0; i < kConnectionStateCount; ++i) {
      connections_[i].add(counts[i], span);
    }
    max_connections_.add(max_connections, span);
  }
  // While nobody waits there is nothing to add.
  void add_waiting(const std::array<std::uint32_t, kWaitReasonCount>& counts,
                   Duration span) noexcept {
    for (std::size_t i = 0; i < kWaitReasonCount; ++i) {
      waiting_[i].add(counts[i], span);
    }
    const auto capacity = static_cast<std::size_t>(WaitReason::kCapacity);
    exhausted_.add(counts[capacity] > 0 ? 1 : 0, span);
  }

  void write_to(PoolStats& out) const noexcept {
    for (std::size_t i = 0; i < kConnectionStateCount; ++i) {
      out.connection_time[i] = connections_[i].total();
    }
    for (std::size_t i = 0; i < kWaitReasonCount; ++i) {
      out.waiting_time[i] = waiting_[i].total();
    }
    out.exhausted_time = exhausted_.total();
    out.max_connection_time = max_connections_.total();
  }

 private:
  std::array<TimeIntegral, kConnectionStateCount> connections_;
  std::array<TimeIntegral, kWaitReasonCount> waiting_;
  TimeIntegral exhausted_;
  TimeIntegral max_connections_;
};

// A counter for each enumerator.
template <typename Enum, std::size_t kCount>
class CountersBy {
 public:
  void add(Enum which) noexcept { ++counts_[static_cast<std::size_t>(which)]; }
  const std::array<std::uint64_t, kCount>& counts() const noexcept {
    return counts_;
  }

 private:
  std::array<std::uint64_t, kCount> counts_ = {};
};

struct PoolCounters {
  std::uint64_t acquires = 0;
  std::uint64_t acquires_waited = 0;
  std::uint64_t leaks_suspected = 0;
  std::uint64_t dirty_returns = 0;
  std::uint64_t opened = 0;
  CountersBy<AcquireFailure, kAcquireFailureCount> acquire_failures;
  CountersBy<ConnectFailure, kConnectFailureCount> connect_failures;
  CountersBy<CloseReason, kCloseReasonCount> closed;

  LatencyHistogram wait_granted;
  LatencyHistogram wait_failed;
  LatencyHistogram lease_duration;
  double lease_seconds_squared = 0;
  LatencyHistogram connect_duration;
  std::array<LatencyHistogram, kConnectPhaseCount> connect_phase;

  void write_to(PoolStats& out) const noexcept {
    out.acquires = acquires;
    out.acquires_waited = acquires_waited;
    out.leaks_suspected = leaks_suspected;
    out.dirty_returns = dirty_returns;
    out.opened = opened;
    out.acquire_failures = acquire_failures.counts();
    out.connect_failures = connect_failures.counts();
    out.closed_by_reason = closed.counts();
    out.wait_granted = wait_granted.snapshot();
    out.wait_failed = wait_failed.snapshot();
    out.lease_duration = lease_duration.snapshot();
    out.lease_seconds_squared = lease_seconds_squared;
    out.connect_duration = connect_duration.snapshot();
    for (std::size_t i = 0; i < kConnectPhaseCount; ++i) {
      out.connect_phase[i] = connect_phase[i].snapshot();
    }
  }
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_POOL_ACCOUNTING_H_
