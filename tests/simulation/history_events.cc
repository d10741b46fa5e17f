// How the events of a history reach the brain and the model.
#include "tests/simulation/history.h"

namespace dbpool::test {
namespace {

constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));

PoolOptions options_for(std::uint64_t seed) {
  Random random(seed ^ 0x6f7074696f6e73);
  return random_options(random);
}

}  // namespace

History::History(std::uint64_t seed, Doctor doctor)
    : History(seed, options_for(seed), std::move(doctor)) {}

History::History(std::uint64_t seed, const PoolOptions& options, Doctor doctor)
    : seed_(seed),
      random_(seed),
      options_{options},
      doctor_(std::move(doctor)),
      now_(kStart),
      brain_(options, kStart),
      model_(options, kStart),
      world_(random_, options) {
  outcome_.work.reserve(detail::PoolState::kMaxWorkBatch);
  outcome_.leaks.reserve(detail::PoolState::kMaxWorkBatch);
}

Waiter& History::new_waiter(TimePoint deadline) {
  if (unused_.empty()) {
    unused_.push_back(&waiters_.emplace_back());
  }
  Waiter& waiter = *unused_.back();
  unused_.pop_back();
  waiter = Waiter{.deadline = deadline,
                  .where = std::source_location::current(),
                  .home = random_.below(3)};
  return waiter;
}

void History::recycle(Waiter& waiter) {
  if (waiter.state == Waiter::State::kGranted) ++granted_;
  unused_.push_back(&waiter);
}

void History::happen(Event event) {
  event.now = now_;
  ++events_;
  latest_.push_back(event);
  if (latest_.size() > kRemembered) latest_.pop_front();
  apply(event, outcome_);
  if (doctor_) doctor_(event, outcome_);
  model_.observe(event, outcome_);
  for (const Work& work : outcome_.work) world_.begin(work, now_);
  for (Waiter* waiter : outcome_.finished) recycle(*waiter);
  if (event.waiter != nullptr &&
      event.waiter->state != Waiter::State::kQueued) {
    recycle(*event.waiter);
  }
}

void History::apply(const Event& event, Outcome& outcome) {
  outcome.finished.clear();
  outcome.accepted = false;
  const detail::Effects effects = tell_brain(event, outcome);
  for (Waiter* waiter = effects.finished; waiter; waiter = waiter->next) {
    outcome.finished.push_back(waiter);
  }
  outcome.woke = effects.wake_housekeeper;
  // No history is large enough for more than one batch.
  if (brain_.take_work(outcome.work)) throw Violation("too much work");
  brain_.take_leaks(outcome.leaks, event.now);
  deadline_ = outcome.next_deadline = brain_.next_deadline();
  brain_.snapshot(event.now, outcome.stats);
}

detail::Effects History::tell_brain(const Event& event, Outcome& outcome) {
  switch (event.kind) {
    case EventKind::kStart:
      return {.finished = nullptr, .wake_housekeeper = true};
    case EventKind::kAcquire:
      return brain_.acquire(*event.waiter, event.now);
    case EventKind::kCancel:
      outcome.accepted = brain_.cancel(*event.waiter, event.now);
      return {};
    case EventKind::kExpire:
      outcome.accepted = brain_.expire(*event.waiter, event.now);
      return {};
    case EventKind::kRelease:
      return brain_.release(event.id, event.returned, event.now);
    case EventKind::kOpened:
      return brain_.opened(event.id, {.backend_pid = 1}, event.now);
    case EventKind::kOpenFailed:
      return brain_.open_failed(event.id, event.failure, event.now,
                                &outcome.failed);
    case EventKind::kChecked:
      return brain_.checked(event.id, event.good, event.now);
    case EventKind::kCleaned:
      return brain_.cleaned(event.id, event.good, event.now);
    case EventKind::kClosed:
      return brain_.closed(event.id, event.now, &outcome.closed);
    case EventKind::kHungUp:
      return brain_.hung_up(event.id, event.now);
    case EventKind::kAdvance:
      return brain_.advance(event.now);
    case EventKind::kReconfigure: {
      detail::PoolState::Room room(*event.options);
      return brain_.reconfigure(*event.options, event.now, room);
    }
    case EventKind::kRenew:
      return brain_.renew(event.now);
    case EventKind::kClose:
      return brain_.close(event.now);
  }
  return {};
}

// Reading shows what will have been, and changes nothing.
void History::look_at_the_future() {
  const TimePoint later =
      now_ + random_.between(Duration::zero(), std::chrono::seconds(3));
  brain_.snapshot(later, later_);
  model_.check_projection(later_, later);
  std::vector<detail::LeaseFacts> longest(random_.below(8));
  longest.resize(brain_.longest_leases(longest, later));
  model_.check_longest(longest, later);
}

std::string History::report(const std::string& promise) const {
  std::string text = promise + "\nseed " + std::to_string(seed_) + ", after " +
                     std::to_string(events_) + " events; the last of them:\n";
  for (const Event& event : latest_) text += "  " + describe(event) + "\n";
  return text;
}

}  // namespace dbpool::test
