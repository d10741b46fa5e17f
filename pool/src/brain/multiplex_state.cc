#include "pool/src/brain/multiplex_state.h"

#include <algorithm>
#include <cassert>

#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {

using Kind = MultiplexAction::Kind;

MultiplexState::MultiplexState(const MultiplexLimits& limits, TimePoint now)
    : limits_(limits),
      most_waiting_(limits.max_waiting),
      now_(now),
      by_load_(limits.depth) {
  assert(limits.depth >= 1);
}

void MultiplexState::begin(TimePoint now) noexcept {
  assert(now >= now_);
  const Duration span = now - now_;
  waiting_time_.add(queue_.size(), span);
  in_flight_time_.add(in_flight_, span);
  carrier_time_.add(carrier_count_, span);
  now_ = now;
}

// --- Callers -----------------------------------------------------------------

void MultiplexState::submit(Job& job, TimePoint now) {
  begin(now);
  assert(job.state == Job::State::kNew);
  job.state = Job::State::kQueued;
  queue_.push_back(job);
  if (closed_) return fail_queued(job, JobEnd::kClosed);
  remember(job.wait_until);
}

void MultiplexState::cancel(Job& job, TimePoint now) {
  begin(now);
  if (job.answered || job.state == Job::State::kDone) return;
  if (job.state == Job::State::kQueued) {
    fail_queued(job, JobEnd::kCancelled);
  } else {
    answer(job, JobEnd::kCancelled);
  }
}

void MultiplexState::close(TimePoint now) {
  begin(now);
  closed_ = true;
  fail_all_queued(JobEnd::kClosed);
}

void MultiplexState::set_limits(const MultiplexLimits& limits, TimePoint now) {
  begin(now);
  assert(limits.depth == limits_.depth);
  limits_ = limits;
  most_waiting_ = std::max(limits.max_waiting, queue_.size());
  next_check_ = now;  // a shorter grace may be over
}

// --- Answers without a result ------------------------------------------------

void MultiplexState::answer(Job& job, JobEnd end, bool was_head) {
  assert(!job.answered);
  job.answered = true;
  ++answered_;
  if (job.state == Job::State::kSent) ++abandoned_;
  actions_.push_back({.kind = Kind::kAnswer,
                      .carrier = job.carrier,
                      .job = &job,
                      .end = end,
                      .done = job.state == Job::State::kDone,
                      .was_head = was_head});
}

void MultiplexState::fail_queued(Job& job, JobEnd end) {
  queue_.remove(job);
  job.state = Job::State::kDone;
  wait_failed_.observe(now_ - job.submitted_at);
  answer(job, end);
}

void MultiplexState::fail_all_queued(JobEnd end) {
  while (!queue_.empty()) fail_queued(*queue_.first(), end);
}

// --- The pool ----------------------------------------------------------------

bool MultiplexState::wants_lease(const PoolRoom& room) const noexcept {
  if (closed_ || acquiring_ || carrier_count_ >= room.max_connections) {
    return false;
  }
  // A connection of its own is better for a job than a place behind others.
  const bool nobody_waits = room.waiting == 0;
  const auto empty = static_cast<std::uint32_t>(by_load_.front().size());
  if (queue_.size() <= empty) return false;
  if (room.idle > 0 && nobody_waits) return true;
  if (room.may_grow) return true;
  // Nobody has a place for it: this one waits as any request does.
  return std::ranges::all_of(by_load_,
                             [](const auto& list) { return list.empty(); });
}

std::uint32_t MultiplexState::acquired(TimePoint now) {
  begin(now);
  acquiring_ = false;
  std::uint32_t number = static_cast<std::uint32_t>(carriers_.size());
  if (free_.empty()) {
    carriers_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  carriers_[number] = Carrier();
  carriers_[number].in_use = true;
  carriers_[number].leased_at = now;
  ++carrier_count_;
  list(number);
  emptied_.push_back(number);
  return number;
}

void MultiplexState::acquire_failed(bool futile, TimePoint now) {
  begin(now);
  acquiring_ = false;
  if (futile && carrier_count_ == 0) fail_all_queued(JobEnd::kNoLease);
}

// --- The wire ----------------------------------------------------------------

void MultiplexState::send(Job& job, std::uint32_t number) {
  Carrier& carrier = carriers_[number];
  queue_.remove(job);
  unlist(number);
  job.state = Job::State::kSent;
  job.carrier = number;
  job.sent_at = now_;
  if (job.timeout) {
    job.deadline =
        saturating_add(now_, std::max(*job.timeout, Duration::zero()));
  }
  wait_sent_.observe(now_ - job.submitted_at);
  if (carrier.jobs.empty()) {
    carrier.head_since = now_;
    head_of_line_.observe(Duration::zero());
  }
  carrier.jobs.push_back(job);
  ++in_flight_;
  remember(job.deadline);
  list(number);
  actions_.push_back({.kind = Kind::kSend, .carrier = number, .job = &job});
}

Job& MultiplexState::pop_head(std::uint32_t number) {
  Carrier& carrier = carriers_[number];
  Job& job = *carrier.jobs.first();
  unlist(number);
  carrier.jobs.remove(job);
  --in_flight_;
  if (Job* const next = carrier.jobs.first()) {
    carrier.head_since = now_;
    head_of_line_.observe(now_ - next->sent_at);
    remember(give_up_at(carrier));
  } else {
    emptied_.push_back(number);
  }
  list(number);
  return job;
}

Job& MultiplexState::finished(std::uint32_t carrier, TimePoint now) {
  begin(now);
  Job& job = pop_head(carrier);
  job.state = Job::State::kDone;
  if (!job.answered) ++answered_;
  return job;
}

void MultiplexState::again(std::uint32_t carrier, TimePoint now) {
  begin(now);
  Job& job = pop_head(carrier);
  job.retried = true;
  requeue(job);
}

// One that the server has not run.
void MultiplexState::requeue(Job& job) {
  if (job.answered) {
    job.state = Job::State::kDone;
    actions_.push_back({.kind = Kind::kForget, .job = &job});
    return;
  }
  job.state = Job::State::kQueued;
  job.deadline = TimePoint::max();
  queue_.push_front(job);
  if (closed_) return fail_queued(job, JobEnd::kClosed);
  remember(job.wait_until);
}

void MultiplexState::lost(std::uint32_t carrier, std::uint32_t sent,
                          TimePoint now) {
  begin(now);
  unlist(carrier);
  take_back(carriers_[carrier], sent);
  drop(carrier, JobEnd::kLost);
}

void MultiplexState::take_back(Carrier& carrier, std::uint32_t sent) {
  while (carrier.jobs.size() > sent) {
    Job& job = *carrier.jobs.last();
    carrier.jobs.remove(job);
    --in_flight_;
    requeue(job);
  }
}

// All jobs of a carrier are done, and it has gone.
void MultiplexState::drop(std::uint32_t number, JobEnd end) {
  Carrier& carrier = carriers_[number];
  unlist(number);
  bool is_head = true;
  while (Job* const job = carrier.jobs.first()) {
    carrier.jobs.remove(*job);
    --in_flight_;
    job->state = Job::State::kDone;
    if (job->answered) {
      actions_.push_back({.kind = Kind::kForget, .job = job});
    } else {
      answer(*job, end, is_head);
    }
    is_head = false;
  }
  carrier.in_use = false;
  --carrier_count_;
  free_.push_back(number);
  actions_.push_back({.kind = Kind::kGiveBack, .carrier = number});
}

void MultiplexState::retire(std::uint32_t carrier) noexcept {
  carriers_[carrier].retiring = true;
}

void MultiplexState::set_blocked(std::uint32_t carrier, bool blocked) {
  carriers_[carrier].blocked = blocked;
  if (!blocked) {
    unlist(carrier);
    list(carrier);
  }
}

// --- Which carrier -----------------------------------------------------------

// A carrier that may not take a job now is taken off its list, and comes back
// when something that matters has changed: its head, or its socket.
void MultiplexState::list(std::uint32_t number) {
  Carrier& carrier = carriers_[number];
  if (carrier.jobs.size() >= limits_.depth) return;
  auto& list = by_load_[carrier.jobs.size()];
  carrier.place = static_cast<std::uint32_t>(list.size());
  list.push_back(number);
}

void MultiplexState::unlist(std::uint32_t number) {
  Carrier& carrier = carriers_[number];
  if (carrier.place == kNowhere) return;
  auto& list = by_load_[carrier.jobs.size()];
  carriers_[list.back()].place = carrier.place;
  list[carrier.place] = list.back();
  list.pop_back();
  carrier.place = kNowhere;
}

bool MultiplexState::is_used_up(const Carrier& carrier) const noexcept {
  const Duration held = now_ - carrier.leased_at;
  return held >= limits_.max_hold || (others_wait_ && held > limits_.budget);
}

bool MultiplexState::may_take(const Carrier& carrier) const noexcept {
  if (carrier.retiring || carrier.blocked || is_used_up(carrier)) return false;
  const Job* const head = carrier.jobs.first();
  return head == nullptr ||
         (head->deadline > now_ && now_ - carrier.head_since <= limits_.budget);
}

std::uint32_t MultiplexState::pick() {
  for (const auto& list : by_load_) {
    while (!list.empty()) {
      const std::uint32_t number = list.back();
      if (may_take(carriers_[number])) return number;
      unlist(number);
    }
  }
  return kNowhere;
}

void MultiplexState::dispatch(const PoolRoom& room, TimePoint now) {
  begin(now);
  others_wait_ = room.waiting > (acquiring_ ? 1u : 0u);
  while (!queue_.empty()) {
    const std::uint32_t number = pick();
    if (number == kNowhere) return;
    send(*queue_.first(), number);
  }
}

void MultiplexState::end_round(TimePoint now) {
  begin(now);
  for (const std::uint32_t number : emptied_) {
    const Carrier& carrier = carriers_[number];
    if (carrier.in_use && carrier.jobs.empty()) drop(number, JobEnd::kLost);
  }
  emptied_.clear();
  while (queue_.size() > most_waiting_) {
    fail_queued(*queue_.last(), JobEnd::kQueueFull);
  }
  most_waiting_ =
      std::max(limits_.max_waiting, std::min(most_waiting_, queue_.size()));
}

// --- Time --------------------------------------------------------------------

void MultiplexState::remember(TimePoint deadline) noexcept {
  next_check_ = std::min(next_check_, deadline);
}

// When a head past its time has had its grace: not before it was the head for
// as long.
TimePoint MultiplexState::give_up_at(const Carrier& carrier) const noexcept {
  const Job* const head = carrier.jobs.first();
  if (head == nullptr || head->deadline == TimePoint::max()) {
    return TimePoint::max();
  }
  return saturating_add(std::max(head->deadline, carrier.head_since),
                        limits_.grace);
}

// Looks at all jobs, but seldom: next_check_ is no later than the first
// deadline, and jobs that end before theirs do not move it.
void MultiplexState::advance(TimePoint now) {
  begin(now);
  if (now < next_check_) return;
  next_check_ = TimePoint::max();
  expire_queued();
  for (std::uint32_t i = 0; i < carriers_.size(); ++i) {
    if (carriers_[i].in_use) expire_sent(i);
  }
}

void MultiplexState::expire_queued() {
  Job* next = nullptr;
  for (Job* job = queue_.first(); job != nullptr; job = next) {
    next = job->next;
    if (job->wait_until <= now_) {
      fail_queued(*job, JobEnd::kWaitTimeout);
    } else {
      remember(job->wait_until);
    }
  }
}

void MultiplexState::expire_sent(std::uint32_t number) {
  Carrier& carrier = carriers_[number];
  for (Job* job = carrier.jobs.first(); job != nullptr; job = job->next) {
    if (job->answered) continue;
    if (job->deadline <= now_) {
      answer(*job, JobEnd::kTimeout);
    } else {
      remember(job->deadline);
    }
  }
  const TimePoint give_up = give_up_at(carrier);
  if (give_up > now_) return remember(give_up);
  actions_.push_back({.kind = Kind::kHangUp, .carrier = number});
  drop(number, JobEnd::kHungUp);
}

// --- Reading -----------------------------------------------------------------

void MultiplexState::snapshot(MultiplexStats& out) const noexcept {
  out.depth = limits_.depth;
  out.carriers = carrier_count_;
  out.waiting = queue_.size();
  out.in_flight = in_flight_;
  out.waiting_time = waiting_time_.total();
  out.in_flight_time = in_flight_time_.total();
  out.carrier_time = carrier_time_.total();
  out.answered = answered_;
  out.abandoned = abandoned_;
  out.wait_sent = wait_sent_.snapshot();
  out.wait_failed = wait_failed_.snapshot();
  out.head_of_line = head_of_line_.snapshot();
}

}  // namespace dbpool::detail
