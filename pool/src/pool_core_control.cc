// The part of PoolCore that looks at the pool as a whole: statistics, limits
// and the end.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "pool/src/multiplexer.h"
#include "pool/src/pool_core.h"
#include "pool/src/saturating_time.h"

namespace dbpool::detail {
namespace {

// How much longer than close_timeout the end of a pool waits for its thread:
// more than a busy machine needs to run it.
constexpr Duration kThreadMargin = std::chrono::seconds(1);

LeftLease to_left_lease(const LeaseFacts& lease) {
  return {.tag = std::string(lease.tag.view()),
          .file = lease.where.file_name(),
          .line = lease.where.line(),
          .backend_pid = lease.backend_pid,
          .age = lease.age};
}

}  // namespace

// --- Reading ---------------------------------------------------------------

PoolCore::Endpoint::Endpoint(const ConnectionString& target)
    : host(target.host()),
      port(target.port()),
      database(target.database()),
      user(target.user()) {}

PoolStats PoolCore::stats() const {
  PoolStats stats = stats_without_queries();
  if (!forked()) stats.queries = statistics_->snapshot();
  return stats;
}

PoolStats PoolCore::stats_without_queries() const {
  PoolStats stats;
  stats.name = options_.name;
  stats.host = endpoint_.host;
  stats.port = endpoint_.port;
  stats.database = endpoint_.database;
  stats.user = endpoint_.user;
  if (forked()) return stats;
  FailureText failure;
  TlsFacts tls;
  {
    const std::lock_guard lock(mutex_);
    state_.snapshot(Clock::now(), stats);
    failure = last_failure_;
    tls = last_tls_;
  }
  if (failure) stats.last_failure.message = *failure;
  stats.tls = tls_stats(tls);
  if (multiplexer_) stats.multiplex = multiplexer_->stats();
  return stats;
}

// What was given is known before any connection, which may fail for just that
// reason: that it has expired.
TlsStats PoolCore::tls_stats(const TlsFacts& last) const {
  TlsStats tls = last ? *last : TlsStats();
  const auto& given = target_->tls_material();
  if (!given) return tls;
  if (!tls.client) tls.client = given->client_expiry();
  if (const auto ca = given->ca_expiry()) {
    tls.ca = std::min(tls.ca.value_or(*ca), *ca);
  }
  return tls;
}

// --- Limits ----------------------------------------------------------------

Expected<void> PoolCore::resize(std::uint32_t min_connections,
                                std::uint32_t max_connections) {
  if (forked()) return Unexpected(forked_error(options_.name));
  PoolOptions wanted = options_;
  wanted.min_connections = min_connections;
  wanted.max_connections = max_connections;
  if (auto valid = validate(wanted); !valid) return valid;
  // Room for more is made before, and the old storage freed after, the lock.
  PoolState::Room room(max_connections);
  std::vector<Tenant> table;
  table.reserve(max_connections);
  Effects effects;
  {
    const std::lock_guard lock(mutex_);
    if (slots_.size() < max_connections) {
      for (Tenant& slot : slots_) table.push_back(std::move(slot));
      table.resize(max_connections);
      slots_.swap(table);
    }
    effects =
        state_.resize(min_connections, max_connections, Clock::now(), room);
    resolve(effects);
  }
  deliver(effects);
  return {};
}

// --- The end ---------------------------------------------------------------

void PoolCore::begin_close() noexcept {
  Effects effects;
  {
    const std::lock_guard lock(mutex_);
    effects = state_.close(Clock::now());
    resolve(effects);
  }
  deliver(effects);
  if (multiplexer_) multiplexer_->close();
  wake_signal_.raise();  // to end the thread of a pool without connections
}

CloseReport PoolCore::close(TimePoint deadline) {
  CloseReport report;
  if (forked()) return report;
  begin_close();
  // None is lent any more, so there will be no more leases than slots now.
  std::vector<LeaseFacts> left(slot_count());
  {
    std::unique_lock lock(mutex_);
    const auto drained = [this] { return state_.is_drained(); };
    // An unbounded deadline would overflow inside the standard library.
    if (deadline == TimePoint::max()) {
      settled_.wait(lock, drained);
    } else {
      settled_.wait_until(lock, deadline, drained);
    }
    const std::size_t count = state_.longest_leases(left, Clock::now());
    left.resize(count);  // smaller: nothing is allocated
  }
  for (const LeaseFacts& lease : left) {
    tell(&EventSink::lease_abandoned, lease);
    report.left.push_back(to_left_lease(lease));
  }
  return report;
}

std::size_t PoolCore::slot_count() const noexcept {
  const std::lock_guard lock(mutex_);
  return slots_.size();
}

bool PoolCore::nothing_to_close() const noexcept {
  PoolStats stats;
  state_.snapshot(Clock::now(), stats);
  return stats.total ==
         stats.connections[static_cast<std::size_t>(ConnectionState::kActive)];
}

void PoolCore::shut_down() noexcept {
  if (forked()) {
    // The thread is the parent's: here it can be neither joined nor detached.
    static_cast<void>(housekeeper_.release());
    if (multiplexer_) multiplexer_->forget_thread();
    return;
  }
  begin_close();
  bool drained = false;
  {
    std::unique_lock lock(mutex_);
    settled_.wait_until(
        lock,
        saturating_add(Clock::now() + kThreadMargin, options_.close_timeout),
        [this] { return nothing_to_close(); });
    drained = state_.is_drained();
  }
  if (multiplexer_) multiplexer_->end_thread(drained);
  if (drained && housekeeper_->get_id() != std::this_thread::get_id()) {
    housekeeper_->join();
  } else {
    // Leases are out: the thread shares the core, closes what comes back, and
    // ends by itself after the last.
    housekeeper_->detach();
  }
}

void PoolCore::tell(void (EventSink::*event)(const LeaseEvent&) noexcept,
                    const LeaseFacts& lease) const noexcept {
  if (!sink_) return;
  ((*sink_).*event)({.pool = options_.name,
                     .tag = lease.tag.view(),
                     .file = lease.where.file_name(),
                     .line = lease.where.line(),
                     .backend_pid = lease.backend_pid,
                     .age = lease.age});
}

}  // namespace dbpool::detail
