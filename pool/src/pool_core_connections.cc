// The part of PoolCore that tells who holds the connections.
#include <array>
#include <span>
#include <utility>

#include "pool/src/pool_core.h"

namespace dbpool::detail {

// What is known of connections at one moment, in storage that was made before
// the mutex was taken, and is given back after.
struct PoolCore::Holdings {
  explicit Holdings(std::size_t most)
      : facts(most), activities(most), targets(most) {}

  std::vector<ConnectionFacts> facts;
  std::vector<std::shared_ptr<SessionActivity>> activities;      // may be null
  std::vector<std::shared_ptr<const ConnectionString>> targets;  // as those
  std::size_t count = 0;
  TimePoint now;
};

void PoolCore::take_holdings(Holdings& out, TimePoint now) const noexcept {
  out.now = now;
  out.count = state_.connections(out.facts, now);
  for (std::size_t i = 0; i < out.count; ++i) {
    const Tenant& tenant = slots_[out.facts[i].id.slot];
    const bool is_open = tenant.connection && tenant.id == out.facts[i].id;
    if (!is_open) continue;
    out.activities[i] = tenant.connection->session().activity();
    out.targets[i] = tenant.target;
  }
}

ConnectionStats PoolCore::describe_holding(const Holdings& holdings,
                                           std::size_t index) const {
  const ConnectionFacts& facts = holdings.facts[index];
  ConnectionStats stats;
  stats.state = facts.state;
  stats.in_state = facts.in_state;
  stats.age = facts.age;
  stats.uses = facts.uses;
  stats.backend_pid = facts.backend_pid;
  stats.tag = facts.tag.view();
  stats.file = facts.where.file_name();
  stats.line = facts.where.line();
  if (const auto& activity = holdings.activities[index]) {
    describe(activity->facts(), *holdings.targets[index], holdings.now, stats);
  }
  return stats;
}

std::vector<ConnectionStats> PoolCore::connections() const {
  std::vector<ConnectionStats> all;
  if (forked()) return all;
  // Of those that a resize() adds at this moment the last may be missing.
  Holdings holdings(slot_count());
  {
    const std::lock_guard lock(mutex_);
    take_holdings(holdings, Clock::now());
  }
  all.reserve(holdings.count);
  for (std::size_t i = 0; i < holdings.count; ++i) {
    all.push_back(describe_holding(holdings, i));
  }
  return all;
}

AcquireFacts PoolCore::facts() const {
  AcquireFacts facts;
  Holdings holdings(AcquireFacts::kHolders);
  FailureText failure;
  {
    const std::lock_guard lock(mutex_);
    const TimePoint now = Clock::now();
    state_.snapshot(now, facts.stats);
    take_holdings(holdings, now);
    failure = last_failure_;
  }
  for (std::size_t i = 0; i < holdings.count; ++i) {
    if (holdings.facts[i].state != ConnectionState::kActive) break;
    facts.holders.push_back(describe_holding(holdings, i));
  }
  facts.stats.name = name_;
  if (failure) facts.stats.last_failure.message = *failure;
  return facts;
}

}  // namespace dbpool::detail
