// The part of PoolCore that the housekeeper calls.
#include <cassert>
#include <utility>

#include "pool/src/pool_core.h"

namespace dbpool::detail {

template <typename Tell>
void PoolCore::report(Tell tell_brain) noexcept {
  Effects effects;
  {
    const std::lock_guard lock(mutex_);
    effects = tell_brain(Clock::now());
    resolve(effects);
  }
  deliver(effects);
}

Round::Round() {
  work.reserve(PoolState::kMaxWorkBatch);
  leaks.reserve(PoolState::kMaxWorkBatch);
}

void PoolCore::begin_round(Round& round) {
  report([&](TimePoint now) {
    const Effects effects = state_.advance(now);
    round.more = state_.take_work(round.work);
    round.more |= state_.take_leaks(round.leaks, now);
    round.next_deadline = state_.next_deadline();
    round.drained = state_.is_drained();
    return effects;
  });
  for (const LeaseFacts& lease : round.leaks) {
    tell(&EventSink::leak_suspected, lease);
  }
}

Session& PoolCore::session(ConnectionId id) noexcept {
  const std::lock_guard lock(mutex_);
  const Tenant& tenant = slots_[id.slot];
  assert(tenant.connection && tenant.id == id);
  return tenant.connection->session();
}

std::unique_ptr<Connection> PoolCore::take_connection(
    ConnectionId id) noexcept {
  const std::lock_guard lock(mutex_);
  Tenant& tenant = slots_[id.slot];
  if (tenant.id != id) return nullptr;
  return std::move(tenant.connection);
}

void PoolCore::opened(ConnectionId id, std::unique_ptr<Session> session,
                      const OpenedFacts& facts, TlsStats tls) {
  const std::string host = session->host();
  TlsFacts last_tls = std::make_shared<const TlsStats>(std::move(tls));
  auto connection = std::make_unique<Connection>(std::move(session));
  std::shared_ptr<const ConnectionString> target;
  report([&](TimePoint now) {
    Tenant& tenant = slots_[id.slot];
    assert(!tenant.connection);
    tenant.connection = std::move(connection);
    tenant.id = id;
    // An opening with an older one would have been given up.
    target = setups_[current_]->target;
    tenant.target.swap(target);
    last_tls_.swap(last_tls);
    return state_.opened(id, facts, now);
  });
  if (!sink_) return;
  sink_->connection_opened({.pool = name_,
                            .host = host,
                            .backend_pid = facts.backend_pid,
                            .duration = facts.total});
}

void PoolCore::open_failed(ConnectionId id, const Error& error) {
  const ConnectFailure reason =
      error.connect_failure.value_or(ConnectFailure::kOther);
  auto message = std::make_shared<const std::string>(error.message);
  FailedFacts facts;
  report([&](TimePoint now) {
    last_failure_.swap(message);
    return state_.open_failed(id, reason, now, &facts);
  });
  if (!sink_) return;
  sink_->connect_failed({.pool = name_,
                         .reason = reason,
                         .message = error.message,
                         .failures_in_a_row = facts.failures_in_a_row,
                         .next_try_in = facts.next_try_in});
}

void PoolCore::checked(ConnectionId id, bool alive) noexcept {
  report([&](TimePoint now) { return state_.checked(id, alive, now); });
}

void PoolCore::cleaned(ConnectionId id, bool usable) noexcept {
  report([&](TimePoint now) { return state_.cleaned(id, usable, now); });
}

void PoolCore::hung_up(ConnectionId id) noexcept {
  report([&](TimePoint now) { return state_.hung_up(id, now); });
}

void PoolCore::closed(ConnectionId id) noexcept {
  ClosedFacts facts;
  bool closing_down = false;
  report([&](TimePoint now) {
    const Effects effects = state_.closed(id, now, &facts);
    closing_down = state_.is_closed();
    return effects;
  });
  if (sink_ && facts.was_open) {
    sink_->connection_closed({.pool = name_,
                              .backend_pid = facts.backend_pid,
                              .reason = facts.reason,
                              .uses = facts.uses,
                              .age = facts.age});
  }
  if (!closing_down) return;
  // Last, so that whoever waits for the end has been told of every closing.
  settled_.notify_all();
  // The brain has no more work after the last one, but the loop must see it.
  wake_signal_.raise();
}

}  // namespace dbpool::detail
