#include "tests/simulation/multiplex_history.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "tests/simulation/require.h"

namespace dbpool::test {
namespace {

using namespace std::chrono_literals;  // NOLINT: times read better so
using detail::Job;
using detail::JobEnd;
using detail::MultiplexAction;

detail::MultiplexLimits random_limits(Random& random) {
  return {.depth = random.between(1, 8),
          .max_waiting = random.chance(80) ? 1000 : random.between(0, 5),
          .budget = random.between(Duration(1us), Duration(20ms)),
          .max_hold = random.between(Duration(10ms), Duration(1s)),
          .grace = random.between(Duration(1ms), Duration(100ms))};
}

template <typename Map>
auto random_place(Map& map, Random& random) {
  return std::next(map.begin(),
                   static_cast<std::ptrdiff_t>(random.below(map.size())));
}

}  // namespace

MultiplexHistory::MultiplexHistory(std::uint64_t seed)
    : seed_(seed),
      random_(seed),
      limits_(random_limits(random_)),
      most_waiting_(limits_.max_waiting),
      now_(TimePoint(1h)),
      brain_(limits_, now_) {
  room_.max_connections = random_.between(1, 6);
  room_.idle = random_.between(0, room_.max_connections);
}

std::optional<std::string> MultiplexHistory::run(std::uint64_t events) {
  std::uint64_t done = 0;
  try {
    for (; done < events; ++done) random_event();
    finish_all();
  } catch (const Violation& violation) {
    return std::string(violation.what()) + " (seed " + std::to_string(seed_) +
           ", event " + std::to_string(done) + ")";
  }
  return std::nullopt;
}

// --- Events ------------------------------------------------------------------

void MultiplexHistory::random_event() {
  pass_time();
  const std::uint64_t die = random_.below(100);
  if (die < 40) {
    submit();
  } else if (die < 45) {
    cancel();
  } else if (die < 85) {
    serve();
  } else if (die < 92) {
    change_pool();
  } else {
    end_acquire();
  }
  if (random_.chance(1)) change_limits();
  if (random_.chance(60)) round();
}

void MultiplexHistory::pass_time() {
  Duration span = random_.between(Duration(0), Duration(1ms));
  if (random_.chance(3)) span = random_.between(Duration(0), Duration(200ms));
  waiting_time_ += span * brain_.queued();
  for (const auto& [number, lane] : lanes_) {
    in_flight_time_ += span * static_cast<int>(lane.jobs.size());
    carrier_time_ += span;
  }
  now_ += span;
}

void MultiplexHistory::submit() {
  auto caller = std::make_unique<Caller>();
  Job& job = caller->job;
  caller->number = ++last_number_;
  job.owner = caller.get();
  job.submitted_at = now_;
  job.wait_until = now_ + random_.between(Duration(1ms), Duration(500ms));
  if (random_.chance(70)) {
    job.timeout = random_.between(Duration(1us), Duration(100ms));
  }
  callers_.emplace(caller->number, std::move(caller));
  brain_.submit(job, now_);
  carry_out();
}

void MultiplexHistory::cancel() {
  if (callers_.empty()) return;
  brain_.cancel(random_place(callers_, random_)->second->job, now_);
  carry_out();
}

void MultiplexHistory::serve() {
  if (lanes_.empty()) return;
  const auto place = random_place(lanes_, random_);
  if (place->second.jobs.empty()) return;
  server_ends(place->first, place->second);
}

void MultiplexHistory::server_ends(std::uint32_t carrier, Lane& lane) {
  if (random_.chance(3)) return lose(carrier, lane);
  if (random_.chance(3)) {
    brain_.retire(carrier);
    lane.retiring = true;
  }
  if (random_.chance(5)) {
    lane.blocked = !lane.blocked;
    brain_.set_blocked(carrier, lane.blocked);
  }
  Caller& head = *lane.jobs.front();
  require(brain_.head(carrier) == &head.job, "jobs keep their order");
  pop_head(lane);
  if (!head.job.retried && random_.chance(5)) {
    head.was_back = true;
    brain_.again(carrier, now_);
    return carry_out();
  }
  const Job& job = brain_.finished(carrier, now_);
  require(&job == &head.job, "who is first sent is first answered");
  require(job.state == Job::State::kDone, "who is finished is done");
  if (!job.answered) {
    ++head.answers;
    ++answers_;
  }
  forget(head);
}

void MultiplexHistory::pop_head(Lane& lane) {
  lane.jobs.pop_front();
  lane.head_since = now_;
}

void MultiplexHistory::lose(std::uint32_t carrier, Lane& lane) {
  const auto size = static_cast<std::uint32_t>(lane.jobs.size());
  const std::uint32_t sent =
      random_.chance(50) ? size : random_.between(1, size);
  for (; lane.jobs.size() > sent; lane.jobs.pop_back()) {
    lane.jobs.back()->was_back = true;
  }
  brain_.lost(carrier, sent, now_);
  carry_out();
  require(!lanes_.contains(carrier), "a broken connection is given back");
}

void MultiplexHistory::end_acquire() {
  if (!brain_.is_acquiring()) return;
  if (room_.waiting > 0) --room_.waiting;
  if (random_.chance(60) && lanes_.size() < room_.max_connections) {
    return granted();
  }
  brain_.acquire_failed(random_.chance(50), now_);
  carry_out();
}

void MultiplexHistory::change_pool() {
  room_.idle = random_.between(0, room_.max_connections);
  room_.may_grow = random_.chance(30);
  const std::uint32_t others = random_.chance(30) ? random_.between(1, 3) : 0;
  room_.waiting = others + (brain_.is_acquiring() ? 1 : 0);
}

void MultiplexHistory::change_limits() {
  const std::uint32_t depth = limits_.depth;
  limits_ = random_limits(random_);
  limits_.depth = depth;
  brain_.set_limits(limits_, now_);
  most_waiting_ = std::max(limits_.max_waiting, brain_.queued());
}

void MultiplexHistory::finish_all() {
  if (random_.chance(50)) {
    brain_.close(now_);
    closed_ = true;
    carry_out();
    require(brain_.queued() == 0, "after close() nobody waits");
  }
  change_pool();
  for (int i = 0; i < 100'000 && !callers_.empty(); ++i) {
    pass_time();
    serve();
    end_acquire();
    if (random_.chance(10)) change_pool();
    round();
  }
  require(callers_.empty(), "nobody is lost");
  round();
  require(lanes_.empty(), "what has nothing to do is given back");
  require(brain_.jobs() == 0, "nothing is left");
}

// --- A round -----------------------------------------------------------------

void MultiplexHistory::round() {
  brain_.advance(now_);
  carry_out();
  check_deadlines();
  ask_for_lease();
  brain_.dispatch(room_, now_);
  carry_out();
  ask_for_lease();
  brain_.dispatch(room_, now_);
  carry_out();
  brain_.end_round(now_);
  carry_out();
  check();
  require(brain_.queued() <= most_waiting_, "the queue is bounded");
  most_waiting_ = std::max(limits_.max_waiting, brain_.queued());
  for (const auto& [number, lane] : lanes_) {
    require(!lane.jobs.empty(), "a carrier without jobs is given back");
  }
}

void MultiplexHistory::ask_for_lease() {
  while (brain_.wants_lease(room_)) {
    require(!closed_, "a closed one asks for nothing");
    require(brain_.queued() > 0, "nothing is asked for when nobody waits");
    brain_.acquiring();
    if (room_.idle > 0 && room_.waiting == 0) {
      granted();
    } else if (random_.chance(10)) {
      brain_.acquire_failed(random_.chance(50), now_);
      carry_out();
      return;
    } else {
      ++room_.waiting;
    }
  }
}

void MultiplexHistory::granted() {
  if (room_.idle > 0) --room_.idle;
  const std::uint32_t number = brain_.acquired(now_);
  require(!lanes_.contains(number), "each carrier has a number of its own");
  lanes_[number].leased_at = now_;
}

void MultiplexHistory::carry_out() {
  for (const MultiplexAction& action : brain_.actions()) carry_out(action);
  brain_.actions().clear();
}

void MultiplexHistory::carry_out(const MultiplexAction& action) {
  switch (action.kind) {
    case MultiplexAction::Kind::kSend:
      return on_send(action);
    case MultiplexAction::Kind::kAnswer:
      return on_answer(action);
    case MultiplexAction::Kind::kForget:
      require(of(*action.job).answers == 1, "who is forgotten is answered");
      return forget(of(*action.job));
    case MultiplexAction::Kind::kHangUp: {
      const Lane& lane = lanes_.at(action.carrier);
      const TimePoint deadline = lane.jobs.front()->job.deadline;
      require(std::max(deadline, lane.head_since) + limits_.grace <= now_,
              "a carrier is given up for a head past its grace only");
      return;
    }
    case MultiplexAction::Kind::kGiveBack:
      return on_give_back(action.carrier);
  }
}

void MultiplexHistory::on_send(const MultiplexAction& action) {
  Lane& lane = lanes_.at(action.carrier);
  Caller& caller = of(*action.job);
  require(!lane.blocked, "nothing is sent where the last is not on the wire");
  require(!lane.retiring, "nothing is sent to one that is to go");
  require(now_ - lane.leased_at < limits_.max_hold, "nothing holds for ever");
  require(!others_wait() || now_ - lane.leased_at <= limits_.budget,
          "others get a connection whose budget is used up");
  require(caller.answers == 0, "who is answered is not sent");
  if (lane.jobs.empty()) {
    lane.head_since = now_;
  } else {
    require(lane.jobs.front()->job.deadline > now_,
            "nothing is sent behind one that is past its time");
    require(now_ - lane.head_since <= limits_.budget,
            "nothing is sent behind one that used up the budget");
  }
  for (const auto& [number, other] : callers_) {
    if (number >= caller.number || caller.was_back) break;
    require(other->job.state != Job::State::kQueued, "first come, first sent");
  }
  lane.jobs.push_back(&caller);
  require(lane.jobs.size() <= limits_.depth, "the depth is a bound");
}

void MultiplexHistory::on_answer(const MultiplexAction& action) {
  Caller& caller = of(*action.job);
  require(caller.answers == 0, "nobody is answered twice");
  ++caller.answers;
  ++answers_;
  if (action.end == JobEnd::kTimeout) {
    require(action.job->deadline <= now_, "nobody times out too early");
  }
  if (action.end == JobEnd::kWaitTimeout) {
    require(action.job->wait_until <= now_, "nobody waits too short");
  }
  if (action.done) forget(caller);
}

void MultiplexHistory::on_give_back(std::uint32_t carrier) {
  require(lanes_.at(carrier).jobs.empty(), "no carrier goes with a job on it");
  lanes_.erase(carrier);
}

void MultiplexHistory::forget(Caller& caller) {
  require(caller.answers == 1, "everybody is answered once");
  require(caller.job.state == Job::State::kDone, "who is forgotten is done");
  for (auto& [number, lane] : lanes_) std::erase(lane.jobs, &caller);
  callers_.erase(caller.number);
}

// --- Promises at rest --------------------------------------------------------

void MultiplexHistory::check() const {
  MultiplexStats stats;
  brain_.snapshot(stats);
  std::uint32_t in_flight = 0;
  for (const auto& [number, lane] : lanes_) {
    in_flight += static_cast<std::uint32_t>(lane.jobs.size());
  }
  require(stats.carriers == lanes_.size(), "carriers are counted");
  require(stats.in_flight == in_flight, "what is in flight is counted");
  require(stats.waiting + in_flight == callers_.size(), "all are counted");
  require(stats.answered == answers_, "answers are counted");
  require(stats.waiting_time == waiting_time_, "waiting is integrated");
  require(stats.in_flight_time == in_flight_time_, "flight is integrated");
  require(stats.carrier_time == carrier_time_, "carriers are integrated");
}

void MultiplexHistory::check_deadlines() const {
  for (const auto& [number, caller] : callers_) {
    const Job& job = caller->job;
    if (job.answered) continue;
    const bool is_late = job.state == Job::State::kQueued
                             ? job.wait_until <= now_
                             : job.deadline <= now_;
    require(!is_late, "nobody waits past their time");
  }
  require(brain_.next_deadline() > now_, "time is looked at again later");
}

}  // namespace dbpool::test
