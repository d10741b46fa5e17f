// Model: watches a brain from outside and checks every promise after every
// event, as naively as can be: lists are scanned, nothing is clever.
//
// It learns what the brain decided from what it returns (grants, failures,
// work), never from its members, keeps its own picture of queue, connections
// and time, and throws Violation where the two do not fit.
#ifndef DBPOOL_TESTS_SIMULATION_MODEL_H_
#define DBPOOL_TESTS_SIMULATION_MODEL_H_

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <source_location>
#include <vector>

#include "tests/simulation/event.h"

namespace dbpool::test {

struct ModelConnection {
  ConnectionId id;
  ConnectionState state = ConnectionState::kOpening;
  TimePoint since = {};
  std::uint64_t order = 0;  // of entering the state, for equal times
  bool open = false;
  bool cleaning = false;
  bool hung_up = false;
  bool overtaken = false;  // by an opening that succeeded
  bool outdated = false;   // there before a renewal
  bool was_stale = false;  // idle, and not fresh before a change of options
  bool reported = false;   // the lease, as a leak
  CloseReason close_reason = CloseReason::kBroken;
  TimePoint opened_at = {};
  std::uint64_t uses = 0;
  std::uint32_t line = 0;   // where the lease was acquired
  std::uintptr_t home = 0;  // of the lease
};

class Model {
 public:
  Model(const PoolOptions& options, TimePoint now);

  // Throws Violation.
  void observe(const Event& event, const Outcome& outcome);
  // A snapshot taken later than the last event, with no event in between.
  void check_projection(const PoolStats& stats, TimePoint later) const;
  void check_longest(const std::vector<detail::LeaseFacts>& leases,
                     TimePoint later) const;

  // For the driver.
  const std::vector<Waiter*>& queue() const { return queue_; }
  const std::vector<ModelConnection>& connections() const {
    return connections_;
  }
  std::uint32_t count(ConnectionState state) const;
  std::uint32_t live() const;
  std::uint32_t outdated() const;  // those being closed do not count
  std::uint32_t min_connections() const { return min_; }
  std::uint32_t max_connections() const { return max_; }
  bool closed() const { return closed_; }

 private:
  using Nanos = std::chrono::nanoseconds;
  struct Integrals {
    std::array<Nanos, kConnectionStateCount> connections = {};
    std::array<Nanos, kWaitReasonCount> waiting = {};
    Nanos exhausted{0};
    Nanos max{0};
  };

  // Following an event: requests (model.cc).
  void reconfigure(const PoolOptions& options);
  void apply(const Event& event, const Outcome& outcome);
  void acquired(Waiter& waiter);
  void left_queue(const Event& event);
  AcquireFailure immediate_failure() const;
  void finish(Waiter& waiter, const Event& event);
  void check_turn(const Waiter& waiter, const Event& event) const;
  bool failed_fast(const Waiter& waiter, const Event& event) const;
  void finish_fast(const Waiter& waiter);
  void granted(Waiter& waiter);
  void failed(const Waiter& waiter);
  void take_from_queue(const Waiter& waiter);
  void check_timeout(const Waiter& waiter) const;

  // Following an event: connections (model_connections.cc).
  void released(const Event& event);
  void opened(const Event& event);
  void open_failed(const Event& event, const Outcome& outcome);
  void check_ended(const Event& event);
  void gone(const Event& event, const Outcome& outcome);
  void hung_up(const Event& event);
  void renew();
  void comes_back(ModelConnection& connection);
  std::optional<CloseReason> certain_retirement(
      const ModelConnection& connection) const;
  bool may_expire(const ModelConnection& connection) const;
  bool must_expire(const ModelConnection& connection) const;
  void leak(const detail::LeaseFacts& leak);
  void work(const Work& work, const Event& event);
  void begin_opening(const Work& work);
  void begin_check(ModelConnection& connection);
  void begin_closing(const Work& work, const Event& event,
                     ModelConnection& connection);
  bool fits(CloseReason reason, const Event& event,
            const ModelConnection& connection) const;
  // nullptr unless the connection is in `state`: late news.
  ModelConnection* find(ConnectionId id, ConnectionState state);
  ModelConnection* find(ConnectionId id);
  void enter(ModelConnection& connection, ConnectionState state);

  // What must be true (model_rules.cc).
  void check(const Event& event, const Outcome& outcome);
  void check_subject(const Event& event) const;
  void check_gauges(const PoolStats& stats) const;
  void check_counters(const PoolStats& stats) const;
  void check_integrals(const PoolStats& stats, const Integrals& naive) const;
  void check_progress() const;
  void check_nothing_kept(bool advanced) const;
  void check_timers(const Event& event, const Outcome& outcome);
  void check_peak(const PoolStats& stats);
  TimePoint naive_deadline() const;
  TimePoint end_of_hope() const;

  // Facts, found by looking at everything (model_facts.cc).
  std::array<std::uint32_t, kWaitReasonCount> waiting() const;
  WaitReason reason(std::size_t place) const;
  Integrals integrals_at(TimePoint later) const;
  std::uint32_t total() const {
    return static_cast<std::uint32_t>(connections_.size());
  }
  std::uint32_t asking() const {
    return static_cast<std::uint32_t>(queue_.size()) + (refused_ ? 1 : 0);
  }
  std::uint32_t not_closing() const {
    return total() - count(ConnectionState::kClosing);
  }
  std::uint32_t helping_checks() const;
  std::uint32_t needed_openings() const;
  bool may_open() const;
  Duration longest_backoff() const;
  bool is_young_opening(const ModelConnection& connection) const;
  bool hopeless() const;
  bool is_overdue(const ModelConnection& connection, TimePoint at) const;
  bool is_fresh(const ModelConnection& connection) const;
  bool may_replace() const;
  const ModelConnection* coldest_outdated() const;
  const ModelConnection* first_in(ConnectionState state) const;
  const ModelConnection* last_in(ConnectionState state) const;

  PoolOptions options_;
  std::uint32_t min_, max_;
  bool closed_ = false;
  TimePoint now_;
  std::vector<Waiter*> queue_;
  std::vector<ModelConnection> connections_;
  std::uint64_t order_ = 0;
  TimePoint armed_ = TimePoint::max();

  static constexpr Duration kOvertakes = std::chrono::milliseconds(200);
  std::uint32_t failures_ = 0;
  bool proven_ = false;    // an opening has succeeded since the renewal
  bool may_part_ = false;  // and no outdated connection has gone for it
  bool quick_turn_ = false;
  TimePoint begun_at_ = TimePoint::min();
  TimePoint retry_at_ = TimePoint::min();
  ConnectFailure last_failure_ = ConnectFailure::kOther;

  Integrals integrals_;
  PoolStats counted_;  // its counters
  std::uint64_t granted_ = 0, failed_ = 0, leases_ended_ = 0;
  Nanos wait_granted_{0}, wait_failed_{0}, lease_time_{0};
  struct Level {
    TimePoint until;
    std::uint32_t waiting;
  };
  std::deque<Level> levels_;  // of the queue, for the last minute

  // Of the event under way.
  std::uint32_t total_before_ = 0;
  bool refused_ = false;  // an acquire that may not queue, but asks
  std::optional<ConnectionId> subject_;    // that came back
  std::optional<CloseReason> must_close_;  // the subject, for this reason
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SIMULATION_MODEL_H_
