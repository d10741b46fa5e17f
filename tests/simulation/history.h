// History: one seeded random life of a brain, against the fakes of World and
// under the eyes of Model.
#ifndef DBPOOL_TESTS_SIMULATION_HISTORY_H_
#define DBPOOL_TESTS_SIMULATION_HISTORY_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pool/src/brain/pool_state.h"
#include "tests/simulation/event.h"
#include "tests/simulation/model.h"
#include "tests/simulation/random.h"
#include "tests/simulation/world.h"

namespace dbpool::test {

// Random limits and timeouts, all valid.
PoolOptions random_options(Random& random);

class History {
 public:
  // Changes an outcome before the model sees it: to test the model.
  using Doctor = std::function<void(const Event&, Outcome&)>;

  explicit History(std::uint64_t seed, Doctor doctor = {});
  // The same with given options.
  History(std::uint64_t seed, const PoolOptions& options, Doctor doctor = {});

  // About `events` random events, then, mostly, a happy end in which every
  // request must be served, and always the close. Returns what went wrong,
  // with the seed and the last events; nothing if all is well.
  std::optional<std::string> run(std::uint64_t events);

  std::uint64_t events() const { return events_; }

 private:
  // What happens (history.cc).
  void wander(std::uint64_t events);
  void happy_end();
  void close();
  void step();
  void acquire(TimePoint deadline);
  void cancel_one();
  void expire_one();
  void release_one();
  void hang_up_one();
  void send_stray_news();
  void reconfigure();
  void put_in_force(const PoolOptions& options);
  void tick();
  TimePoint next_moment();
  void deliver_due(std::uint32_t percent);
  void calm_down();
  void settle_down();
  void release_all();
  void serve_requests();

  // How it is done and recorded (history_events.cc).
  void happen(Event event);
  void apply(const Event& event, Outcome& outcome);
  detail::Effects tell_brain(const Event& event, Outcome& outcome);
  void recycle(Waiter& waiter);
  Waiter& new_waiter(TimePoint deadline);
  void look_at_the_future();
  std::string report(const std::string& promise) const;

  const std::uint64_t seed_;
  Random random_;
  std::deque<PoolOptions> options_;  // the last are in force
  const Doctor doctor_;
  TimePoint now_;
  detail::PoolState brain_;
  Model model_;
  World world_;
  TimePoint deadline_ = TimePoint::max();

  std::deque<Waiter> waiters_;  // stable addresses
  std::vector<Waiter*> unused_;
  std::uint64_t granted_ = 0;

  std::uint64_t events_ = 0;
  static constexpr std::size_t kRemembered = 30;
  std::deque<Event> latest_;
  Outcome outcome_;
  PoolStats later_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_HISTORY_H_
