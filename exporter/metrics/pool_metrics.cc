#include "exporter/metrics/pool_metrics.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "exporter/metrics/metric_names.h"

namespace dbpool::prometheus {

namespace {

using metrics::Label;
using metrics::MetricInfo;

std::string_view to_string(PoolKind kind) noexcept {
  return kind == PoolKind::kCanary ? "canary" : "embedded";
}

// Tells one snapshot.
class Teller {
 public:
  Teller(metrics::Sink& sink, const PoolStats& stats, PoolKind kind)
      : sink_(sink), stats_(stats), kind_(kind) {}

  void tell() {
    gauges();
    integrals();
    acquires();
    connections();
    tls();
    queries();
    multiplexed();
  }

 private:
  void gauges();
  void integrals();
  void acquires();
  void connections();
  void tls();
  void queries();
  void multiplexed();

  template <typename Value, typename... More>
  void put(const MetricInfo& info, const Value& value, const More&... labels) {
    sink_.add(info, {{"pool", stats_.name}, labels...}, number(value));
  }

  // One series for each value of Enum, in the order of `values`.
  template <typename Enum, typename Value, std::size_t kSize>
  void split(const MetricInfo& info, std::string_view label,
             const std::array<Value, kSize>& values) {
    for (std::size_t i = 0; i < kSize; ++i) {
      put(info, values[i], Label{label, to_string(static_cast<Enum>(i))});
    }
  }

  // What a series holds: a double, or a histogram as it is.
  static double number(std::chrono::nanoseconds value) {
    return metrics::seconds(value);
  }
  static double number(std::uint32_t value) { return value; }
  static double number(std::uint64_t value) {
    return static_cast<double>(value);
  }
  static const HistogramSnapshot& number(const HistogramSnapshot& value) {
    return value;
  }

  metrics::Sink& sink_;
  const PoolStats& stats_;
  const PoolKind kind_;
};

void Teller::gauges() {
  using State = ConnectionState;
  put(metrics::kTotalConnections, stats_.total);
  put(metrics::kIdleConnections,
      stats_.connections[static_cast<std::size_t>(State::kIdle)]);
  split<WaitReason>(metrics::kWaitingRequests, "reason", stats_.waiting);
  split<State>(metrics::kConnections, "state", stats_.connections);
  put(metrics::kPoolInfo, 1U, Label{"host", stats_.host},
      Label{"port", stats_.port}, Label{"database", stats_.database},
      Label{"user", stats_.user}, Label{"kind", to_string(kind_)});
  put(metrics::kMaxConnections, stats_.max_connections);
  put(metrics::kMinConnections, stats_.min_connections);
  put(metrics::kMaxWaitingRequests, stats_.max_waiting_requests);
  put(metrics::kWaitingRequestsPeak, stats_.waiting_peak);
  put(metrics::kOldestWaitingRequestAge, stats_.oldest_waiting_age);
  put(metrics::kOldestLeaseAge, stats_.oldest_lease_age);
  put(metrics::kOverdueLeases, stats_.overdue_leases);
}

void Teller::integrals() {
  split<WaitReason>(metrics::kWaitingSeconds, "reason", stats_.waiting_time);
  put(metrics::kExhaustedSeconds, stats_.exhausted_time);
  split<ConnectionState>(metrics::kConnectionSeconds, "state",
                         stats_.connection_time);
  put(metrics::kMaxConnectionSeconds, stats_.max_connection_time);
}

void Teller::acquires() {
  put(metrics::kAcquires, stats_.acquires);
  put(metrics::kAcquiresWaited, stats_.acquires_waited);
  split<AcquireFailure>(metrics::kAcquireFailures, "reason",
                        stats_.acquire_failures);
  put(metrics::kAcquireWait, stats_.wait_granted, Label{"outcome", "granted"});
  put(metrics::kAcquireWait, stats_.wait_failed, Label{"outcome", "failed"});
  put(metrics::kLeaseDuration, stats_.lease_duration);
  put(metrics::kLeaksSuspected, stats_.leaks_suspected);
  put(metrics::kDirtyReturns, stats_.dirty_returns);
}

void Teller::connections() {
  put(metrics::kConnectionsOpened, stats_.opened);
  split<ConnectFailure>(metrics::kConnectionFailures, "reason",
                        stats_.connect_failures);
  split<CloseReason>(metrics::kConnectionsClosed, "reason",
                     stats_.closed_by_reason);
  put(metrics::kConnectDuration, stats_.connect_duration);
  split<ConnectPhase>(metrics::kConnectPhaseDuration, "phase",
                      stats_.connect_phase);
}

void Teller::tls() {
  const TlsStats& tls = stats_.tls;
  if (!tls.version.empty()) {
    put(metrics::kTlsInfo, 1U, Label{"version", tls.version},
        Label{"cipher", tls.cipher});
  }
  const auto expiry = [&](std::string_view certificate,
                          const std::optional<WallTime>& end) {
    if (!end) return;
    put(metrics::kTlsCertificateExpiry, end->time_since_epoch(),
        Label{"certificate", certificate});
  };
  expiry("server", tls.server);
  expiry("client", tls.client);
  expiry("ca", tls.ca);
}

void Teller::queries() {
  for (const QueryStats& query : stats_.queries) {
    const Label name{"query", query.name};
    put(metrics::kQueries, query.total, name);
    for (std::size_t i = 0; i < query.failures.size(); ++i) {
      put(metrics::kQueryFailures, query.failures[i], name,
          Label{"reason", to_string(static_cast<StatementFailure>(i))});
    }
    put(metrics::kQueryDuration, query.duration, name);
  }
}

void Teller::multiplexed() {
  const MultiplexStats& multiplex = stats_.multiplex;
  if (multiplex.depth == 0) return;
  put(metrics::kPipelineDepth, multiplex.depth);
  put(metrics::kPipelinedConnections, multiplex.carriers);
  put(metrics::kPipelinedWaiting, multiplex.waiting);
  put(metrics::kPipelinedInFlight, multiplex.in_flight);
  put(metrics::kPipelinedConnectionSeconds, multiplex.carrier_time);
  put(metrics::kPipelinedWaitingSeconds, multiplex.waiting_time);
  put(metrics::kPipelinedInFlightSeconds, multiplex.in_flight_time);
  put(metrics::kPipelinedStatements, multiplex.answered);
  put(metrics::kPipelinedAbandoned, multiplex.abandoned);
  put(metrics::kPipelinedWait, multiplex.wait_sent, Label{"outcome", "sent"});
  put(metrics::kPipelinedWait, multiplex.wait_failed,
      Label{"outcome", "failed"});
  put(metrics::kPipelinedHeadOfLine, multiplex.head_of_line);
}

}  // namespace

void PoolMetrics::tell(metrics::Sink& sink) const {
  const PoolStats stats = snapshot_();
  Teller(sink, stats, kind_).tell();
}

}  // namespace dbpool::prometheus
