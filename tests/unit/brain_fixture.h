// BrainTest: a PoolState, a clock in the test's hand, and short words for
// what a housekeeper does.
#ifndef DBPOOL_TESTS_UNIT_BRAIN_FIXTURE_H_
#define DBPOOL_TESTS_UNIT_BRAIN_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "pool/src/brain/pool_state.h"

namespace dbpool::test {

using namespace std::chrono_literals;  // NOLINT: tests read better so

using detail::ClosedFacts;
using detail::ConnectionId;
using detail::Effects;
using detail::FailedFacts;
using detail::LeaseFacts;
using detail::PoolState;
using detail::ReturnState;
using detail::Waiter;
using detail::Work;
using detail::WorkKind;

class BrainTest : public testing::Test {
 protected:
  BrainTest() {
    options_.max_connections = 2;
    options_.min_connections = 0;
    options_.random_seed = 7;
  }

  PoolState& brain() {
    if (!brain_) brain_ = std::make_unique<PoolState>(options_, now_);
    return *brain_;
  }

  // Asks for a connection; the waiter lives as long as the test.
  Waiter& ask(Duration patience = 5s, Tag tag = {}) {
    Waiter& waiter = waiters_.emplace_back();
    waiter.deadline = now_ + patience;
    waiter.tag = tag;
    note(brain().acquire(waiter, now_));
    return waiter;
  }

  Waiter& ask_at(std::uintptr_t home) {
    Waiter& waiter = waiters_.emplace_back();
    waiter.home = home;
    note(brain().acquire(waiter, now_));
    return waiter;
  }

  void pass(Duration span) {
    now_ += span;
    note(brain().advance(now_));
  }

  std::vector<Work> work() {
    std::vector<Work> all;
    std::vector<Work> batch;
    batch.reserve(PoolState::kMaxWorkBatch);
    bool more = true;
    while (more) {
      more = brain().take_work(batch);
      all.insert(all.end(), batch.begin(), batch.end());
    }
    return all;
  }

  // The only piece of work there is.
  Work only_work() {
    const std::vector<Work> all = work();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Work{} : all.front();
  }

  std::size_t count_work(WorkKind kind) {
    std::size_t count = 0;
    for (const Work& item : work()) count += item.kind == kind ? 1 : 0;
    return count;
  }

  // Does what is asked, at once and well.
  void serve() {
    for (std::vector<Work> all = work(); !all.empty(); all = work()) {
      for (const Work& item : all) succeed(item);
    }
  }

  void succeed(const Work& item) {
    switch (item.kind) {
      case WorkKind::kOpen:
        note(brain().opened(item.id, {.backend_pid = 42}, now_));
        break;
      case WorkKind::kCheck:
        note(brain().checked(item.id, true, now_));
        break;
      case WorkKind::kClean:
        note(brain().cleaned(item.id, true, now_));
        break;
      case WorkKind::kClose:
        note(brain().closed(item.id, now_, nullptr));
        break;
    }
  }

  // An open connection, leased.
  ConnectionId lease() {
    Waiter& waiter = ask();
    if (waiter.state == Waiter::State::kQueued) serve();
    EXPECT_EQ(waiter.state, Waiter::State::kGranted);
    return waiter.granted;
  }

  ConnectionId lease_at(std::uintptr_t home) {
    give_back(lease());
    return ask_at(home).granted;
  }

  void give_back(ConnectionId id, ReturnState state = ReturnState::kClean) {
    note(brain().release(id, state, now_));
  }

  // Puts options_ in force, which were changed since.
  void reconfigure() {
    PoolState::Room room(options_);
    note(brain().reconfigure(options_, now_, room));
  }

  void resize(std::uint32_t min_connections, std::uint32_t max_connections) {
    options_.min_connections = min_connections;
    options_.max_connections = max_connections;
    reconfigure();
  }

  void renew() { note(brain().renew(now_)); }

  FailedFacts fail_opening(ConnectionId id,
                           ConnectFailure why = ConnectFailure::kRefused) {
    FailedFacts facts;
    note(brain().open_failed(id, why, now_, &facts));
    return facts;
  }

  PoolStats stats() {
    PoolStats out;
    brain().snapshot(now_, out);
    return out;
  }
  std::uint32_t count(ConnectionState state) {
    return stats().connections[static_cast<std::size_t>(state)];
  }
  std::uint32_t waiting(WaitReason reason) {
    return stats().waiting[static_cast<std::size_t>(reason)];
  }
  std::uint64_t closed(CloseReason reason) {
    return stats().closed_by_reason[static_cast<std::size_t>(reason)];
  }

  void note(const Effects& effects) {
    woken_ = effects.wake_housekeeper;
    finished_.clear();
    for (Waiter* waiter = effects.finished; waiter; waiter = waiter->next) {
      finished_.push_back(waiter);
    }
  }

  PoolOptions options_;
  TimePoint now_ = TimePoint(1h);
  bool woken_ = false;                // by the last event
  std::vector<Waiter*> finished_;     // by the last event
  std::deque<Waiter> waiters_;        // stable addresses
  std::unique_ptr<PoolState> brain_;  // made when first used
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_UNIT_BRAIN_FIXTURE_H_
