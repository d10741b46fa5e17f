// The part of PoolCore that looks at the pool as a whole: statistics and the
// end.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "pool/src/multiplex/multiplexer.h"
#include "pool/src/pool_core.h"
#include "pool/src/waiting/saturating_time.h"

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

// What was given is known before any connection, which may fail for just that
// reason: that it has expired.
TlsStats tls_stats(const TlsStats* last, const TlsMaterial* given) {
  TlsStats tls = last ? *last : TlsStats();
  if (!given) return tls;
  if (!tls.client) tls.client = given->client_expiry();
  if (const auto ca = given->ca_expiry()) {
    tls.ca = std::min(tls.ca.value_or(*ca), *ca);
  }
  return tls;
}

}  // namespace

// --- Reading ---------------------------------------------------------------

PoolStats PoolCore::stats() const {
  PoolStats stats = stats_without_queries();
  if (!forked()) stats.queries = statistics_->snapshot();
  return stats;
}

PoolStats PoolCore::stats_without_queries() const {
  PoolStats stats;
  PoolSetupPtr setup;
  FailureText failure;
  TlsFacts tls;
  if (forked()) {
    setup = this->setup();
  } else {
    const std::lock_guard lock(mutex_);
    setup = setups_[current_];
    state_.snapshot(Clock::now(), stats);
    failure = last_failure_;
    tls = last_tls_;
  }
  stats.name = name_;
  stats.host = setup->endpoint.host;
  stats.port = setup->endpoint.port;
  stats.database = setup->endpoint.database;
  stats.user = setup->endpoint.user;
  if (forked()) return stats;
  if (failure) stats.last_failure.message = *failure;
  stats.tls = tls_stats(tls.get(), setup->target->tls_material().get());
  if (multiplexer_) stats.multiplex = multiplexer_->stats();
  return stats;
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
  const Duration patience = setup()->options.close_timeout;
  bool drained = false;
  {
    std::unique_lock lock(mutex_);
    settled_.wait_until(lock,
                        saturating_add(Clock::now() + kThreadMargin, patience),
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
  ((*sink_).*event)({.pool = name_,
                     .tag = lease.tag.view(),
                     .file = lease.where.file_name(),
                     .line = lease.where.line(),
                     .backend_pid = lease.backend_pid,
                     .age = lease.age});
}

}  // namespace dbpool::detail
