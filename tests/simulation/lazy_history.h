// LazyHistory: a history whose housekeeper sleeps until it is woken or its
// timer is due, and then oversleeps a little, as threads do. Work is taken
// late, so it may have become pointless. Checked are what the brain promises
// about waking, the sums, the order of the queue, and that all ends well.
#ifndef DBPOOL_TESTS_SIMULATION_LAZY_HISTORY_H_
#define DBPOOL_TESTS_SIMULATION_LAZY_HISTORY_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "pool/src/brain/pool_state.h"
#include "tests/simulation/event.h"
#include "tests/simulation/random.h"
#include "tests/simulation/world.h"

namespace dbpool::test {

class LazyHistory {
 public:
  LazyHistory(std::uint64_t seed, const PoolOptions& options);

  // As History::run().
  std::optional<std::string> run(std::uint64_t events);

  std::uint64_t events() const { return events_; }

 private:
  void step();
  void acquire(TimePoint deadline);
  void cancel_one();
  void release_one();
  void reconfigure();
  void tick();
  void deliver(const Event& event);
  void end();
  void pump(const char* promise, bool (LazyHistory::*done)() const);
  bool all_served() const { return queue_.empty(); }
  bool drained() const { return brain_.is_drained(); }

  void take(const detail::Effects& effects);
  void finish(const Waiter& waiter);
  void look();
  void look_uninvited();
  void check();

  const std::uint64_t seed_;
  Random random_;
  PoolOptions options_;
  TimePoint now_;
  detail::PoolState brain_;
  World world_;

  // The housekeeper.
  bool woken_ = true;
  TimePoint armed_ = TimePoint::max();
  std::vector<Work> work_;
  std::vector<detail::LeaseFacts> leaks_;

  std::deque<Waiter> waiters_;  // stable addresses; never reused
  std::deque<Waiter*> queue_;
  std::vector<ConnectionId> leases_;
  std::uint32_t max_;
  std::uint32_t total_before_ = 0;
  std::uint64_t events_ = 0;
  PoolStats stats_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_LAZY_HISTORY_H_
