// MultiplexHistory: the multiplexer's brain in a random history, with callers,
// a pool and servers that do what they like, and every promise checked after
// each event against a plain model.
#ifndef DBPOOL_TESTS_SIMULATION_MULTIPLEX_HISTORY_H_
#define DBPOOL_TESTS_SIMULATION_MULTIPLEX_HISTORY_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pool/src/brain/multiplex_state.h"
#include "tests/simulation/random.h"

namespace dbpool::test {

class MultiplexHistory {
 public:
  explicit MultiplexHistory(std::uint64_t seed);

  // Runs random events, then closes and lets everything end. What promise was
  // broken, with the seed; nullopt if all were kept.
  std::optional<std::string> run(std::uint64_t events);

 private:
  struct Caller {
    detail::Job job;
    std::uint64_t number = 0;
    int answers = 0;
    bool was_back = false;  // in the queue, after it was sent
  };
  // What is known of a carrier without asking the brain.
  struct Lane {
    TimePoint leased_at;
    TimePoint head_since;
    std::deque<Caller*> jobs;
    bool blocked = false;
    bool retiring = false;
  };

  // Events.
  void random_event();
  void pass_time();
  void submit();
  void cancel();
  void serve();
  void server_ends(std::uint32_t carrier, Lane& lane);
  void lose(std::uint32_t carrier, Lane& lane);
  void end_acquire();
  void change_pool();
  void change_limits();
  void finish_all();

  // What a round of the owner does.
  void round();
  void ask_for_lease();
  void granted();
  void carry_out();
  void carry_out(const detail::MultiplexAction& action);
  void on_send(const detail::MultiplexAction& action);
  void on_answer(const detail::MultiplexAction& action);
  void on_give_back(std::uint32_t carrier);
  void pop_head(Lane& lane);
  void forget(Caller& caller);
  void check() const;
  void check_deadlines() const;
  bool others_wait() const noexcept {
    return room_.waiting > (brain_.is_acquiring() ? 1u : 0u);
  }
  static Caller& of(detail::Job& job) {
    return *static_cast<Caller*>(job.owner);
  }

  const std::uint64_t seed_;
  Random random_;
  detail::MultiplexLimits limits_;
  std::uint32_t most_waiting_;  // those beyond a lower bound stay
  TimePoint now_;
  detail::MultiplexState brain_;
  detail::PoolRoom room_;
  bool closed_ = false;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Caller>> callers_;  // not done
  std::map<std::uint32_t, Lane> lanes_;
  std::uint64_t answers_ = 0;
  std::chrono::nanoseconds waiting_time_{0};
  std::chrono::nanoseconds in_flight_time_{0};
  std::chrono::nanoseconds carrier_time_{0};
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_MULTIPLEX_HISTORY_H_
