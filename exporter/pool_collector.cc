#include "dbpool/prometheus/pool_collector.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "dbpool/pool.h"
#include "exporter/families.h"
#include "exporter/metric_names.h"

namespace dbpool::prometheus {

namespace {

using metrics::add;
using metrics::Family;
using metrics::Labels;
using metrics::make_family;
using metrics::MetricInfo;
using metrics::with;

std::string_view to_string(PoolKind kind) noexcept {
  return kind == PoolKind::kCanary ? "canary" : "embedded";
}

// Collects the families of one snapshot.
class Page {
 public:
  Page(const PoolStats& stats, PoolKind kind)
      : stats_(stats), kind_(kind), labels_(with({}, "pool", stats.name)) {}

  std::vector<Family> build() {
    families_.reserve(48);
    add_gauges();
    add_integrals();
    add_acquires();
    add_connections();
    add_tls();
    add_queries();
    return std::move(families_);
  }

 private:
  void add_gauges();
  void add_integrals();
  void add_acquires();
  void add_connections();
  void add_tls();
  void add_queries();

  Labels labels_with(std::string_view name, std::string_view value) const {
    return with(labels_, name, value);
  }

  template <typename Value>
  void single(const MetricInfo& info, const Value& value) {
    add(families_.emplace_back(make_family(info)), labels_, number(value));
  }

  // One series for each value of Enum, in the order of `values`.
  template <typename Enum, typename Value, std::size_t kSize>
  void split(const MetricInfo& info, std::string_view label,
             const std::array<Value, kSize>& values) {
    Family& family = families_.emplace_back(make_family(info));
    family.metric.reserve(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      add(family, labels_with(label, to_string(static_cast<Enum>(i))),
          number(values[i]));
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

  const PoolStats& stats_;
  const PoolKind kind_;
  const Labels labels_;
  std::vector<Family> families_;
};

void Page::add_gauges() {
  using State = ConnectionState;
  single(metrics::kTotalConnections, stats_.total);
  single(metrics::kIdleConnections,
         stats_.connections[static_cast<std::size_t>(State::kIdle)]);
  split<WaitReason>(metrics::kWaitingRequests, "reason", stats_.waiting);
  split<State>(metrics::kConnections, "state", stats_.connections);
  Labels info = labels_with("host", stats_.host);
  info = with(info, "port", stats_.port);
  info = with(info, "database", stats_.database);
  info = with(info, "user", stats_.user);
  info = with(info, "kind", to_string(kind_));
  add(families_.emplace_back(make_family(metrics::kPoolInfo)), std::move(info),
      1);
  single(metrics::kMaxConnections, stats_.max_connections);
  single(metrics::kMinConnections, stats_.min_connections);
  single(metrics::kMaxWaitingRequests, stats_.max_waiting_requests);
  single(metrics::kWaitingRequestsPeak, stats_.waiting_peak);
  single(metrics::kOldestWaitingRequestAge, stats_.oldest_waiting_age);
  single(metrics::kOldestLeaseAge, stats_.oldest_lease_age);
  single(metrics::kOverdueLeases, stats_.overdue_leases);
}

void Page::add_integrals() {
  split<WaitReason>(metrics::kWaitingSeconds, "reason", stats_.waiting_time);
  single(metrics::kExhaustedSeconds, stats_.exhausted_time);
  split<ConnectionState>(metrics::kConnectionSeconds, "state",
                         stats_.connection_time);
  single(metrics::kMaxConnectionSeconds, stats_.max_connection_time);
}

void Page::add_acquires() {
  single(metrics::kAcquires, stats_.acquires);
  single(metrics::kAcquiresWaited, stats_.acquires_waited);
  split<AcquireFailure>(metrics::kAcquireFailures, "reason",
                        stats_.acquire_failures);
  Family& wait = families_.emplace_back(make_family(metrics::kAcquireWait));
  add(wait, labels_with("outcome", "granted"), stats_.wait_granted);
  add(wait, labels_with("outcome", "failed"), stats_.wait_failed);
  single(metrics::kLeaseDuration, stats_.lease_duration);
  single(metrics::kLeaksSuspected, stats_.leaks_suspected);
  single(metrics::kDirtyReturns, stats_.dirty_returns);
}

void Page::add_connections() {
  single(metrics::kConnectionsOpened, stats_.opened);
  split<ConnectFailure>(metrics::kConnectionFailures, "reason",
                        stats_.connect_failures);
  split<CloseReason>(metrics::kConnectionsClosed, "reason",
                     stats_.closed_by_reason);
  single(metrics::kConnectDuration, stats_.connect_duration);
  split<ConnectPhase>(metrics::kConnectPhaseDuration, "phase",
                      stats_.connect_phase);
}

void Page::add_tls() {
  const TlsStats& tls = stats_.tls;
  if (!tls.version.empty()) {
    Labels info = labels_with("version", tls.version);
    info = with(info, "cipher", tls.cipher);
    add(families_.emplace_back(make_family(metrics::kTlsInfo)), std::move(info),
        1);
  }
  Family expiry = make_family(metrics::kTlsCertificateExpiry);
  const auto put = [&](std::string_view certificate,
                       const std::optional<WallTime>& end) {
    if (!end) return;
    add(expiry, labels_with("certificate", certificate),
        metrics::seconds(end->time_since_epoch()));
  };
  put("server", tls.server);
  put("client", tls.client);
  put("ca", tls.ca);
  if (!expiry.metric.empty()) families_.push_back(std::move(expiry));
}

void Page::add_queries() {
  if (stats_.queries.empty()) return;
  Family total = make_family(metrics::kQueries);
  Family failures = make_family(metrics::kQueryFailures);
  Family duration = make_family(metrics::kQueryDuration);
  for (const QueryStats& query : stats_.queries) {
    const Labels labels = labels_with("query", query.name);
    add(total, labels, number(query.total));
    for (std::size_t i = 0; i < query.failures.size(); ++i) {
      add(failures,
          with(labels, "reason", to_string(static_cast<StatementFailure>(i))),
          number(query.failures[i]));
    }
    add(duration, labels, query.duration);
  }
  families_.push_back(std::move(total));
  families_.push_back(std::move(failures));
  families_.push_back(std::move(duration));
}

}  // namespace

PoolCollector::PoolCollector(const Pool& pool, PoolKind kind)
    : PoolCollector([&pool] { return pool.stats(); }, kind) {}

PoolCollector::PoolCollector(std::function<PoolStats()> snapshot, PoolKind kind)
    : snapshot_(std::move(snapshot)), kind_(kind) {}

std::vector<::prometheus::MetricFamily> PoolCollector::Collect() const {
  const PoolStats stats = snapshot_();
  return Page(stats, kind_).build();
}

}  // namespace dbpool::prometheus
