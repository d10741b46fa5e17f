#include "tests/simulation/lazy_history.h"

#include <algorithm>
#include <numeric>

#include "tests/simulation/history.h"
#include "tests/simulation/require.h"

namespace dbpool::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));

}  // namespace

LazyHistory::LazyHistory(std::uint64_t seed, const PoolOptions& options)
    : seed_(seed),
      random_(seed),
      options_(options),
      now_(kStart),
      brain_(options, kStart),
      world_(random_, options),
      max_(options.max_connections) {
  work_.reserve(detail::PoolState::kMaxWorkBatch);
  leaks_.reserve(detail::PoolState::kMaxWorkBatch);
}

std::optional<std::string> LazyHistory::run(std::uint64_t events) {
  try {
    while (events_ < events) {
      if (random_.below(200) == 0) {
        world_.set_mood(static_cast<World::Mood>(random_.below(5)));
      }
      step();
      check();
    }
    end();
    return std::nullopt;
  } catch (const Violation& violation) {
    return std::string(violation.what()) + "\nlazy seed " +
           std::to_string(seed_) + ", after " + std::to_string(events_) +
           " events";
  }
}

void LazyHistory::step() {
  ++events_;
  const std::uint64_t choice = random_.below(1000);
  if (choice < 330) {
    acquire(random_.chance(50) ? TimePoint::max() : now_ + seconds(1));
  } else if (choice < 600) {
    release_one();
  } else if (choice < 640) {
    cancel_one();
  } else if (choice < 645) {
    reconfigure();
  } else if (choice < 650) {
    take(brain_.renew(now_));
  } else if (choice < 700) {
    look_uninvited();
  } else {
    tick();
  }
}

void LazyHistory::acquire(TimePoint deadline) {
  Waiter& waiter = waiters_.emplace_back();
  waiter.deadline = deadline;
  const detail::Effects effects = brain_.acquire(waiter, now_);
  if (waiter.state == Waiter::State::kQueued) {
    queue_.push_back(&waiter);
  } else if (waiter.state == Waiter::State::kGranted) {
    leases_.push_back(waiter.granted);
  }
  take(effects);
}

void LazyHistory::cancel_one() {
  if (queue_.empty()) return;
  const auto place = queue_.begin() +
                     static_cast<std::ptrdiff_t>(random_.below(queue_.size()));
  require(brain_.cancel(**place, now_), "a waiting request cannot leave");
  queue_.erase(place);
}

void LazyHistory::release_one() {
  if (leases_.empty()) return;
  std::swap(leases_[random_.below(leases_.size())], leases_.back());
  const ConnectionId id = leases_.back();
  leases_.pop_back();
  const auto state = random_.chance(80)
                         ? ReturnState::kClean
                         : static_cast<ReturnState>(random_.below(4));
  take(brain_.release(id, state, now_));
}

void LazyHistory::reconfigure() {
  if (random_.chance(50)) options_ = random_options(random_);
  max_ = options_.max_connections = random_.between(1, 8);
  options_.min_connections = random_.between(0, max_);
  detail::PoolState::Room room(options_);
  take(brain_.reconfigure(options_, now_, room));
}

void LazyHistory::tick() {
  const TimePoint next = std::min(world_.next_due(), armed_);
  if (random_.chance(50) && next != TimePoint::max()) {
    now_ = std::max(now_, next);
  } else {
    now_ += random_.between(Duration::zero(), milliseconds(50));
  }
  while (random_.chance(80)) {
    const std::optional<Event> event = world_.take_due(now_);
    if (!event) break;
    deliver(*event);
  }
  if ((woken_ || armed_ <= now_) && random_.chance(70)) look();
}

void LazyHistory::deliver(const Event& event) {
  switch (event.kind) {
    case EventKind::kOpened:
      return take(brain_.opened(event.id, {}, now_));
    case EventKind::kOpenFailed:
      return take(brain_.open_failed(event.id, event.failure, now_, nullptr));
    case EventKind::kChecked:
      return take(brain_.checked(event.id, event.good, now_));
    case EventKind::kCleaned:
      return take(brain_.cleaned(event.id, event.good, now_));
    case EventKind::kClosed:
      return take(brain_.closed(event.id, now_, nullptr));
    default:
      throw Violation("the world tells what it cannot know");
  }
}

void LazyHistory::take(const detail::Effects& effects) {
  woken_ = woken_ || effects.wake_housekeeper;
  for (Waiter* waiter = effects.finished; waiter; waiter = waiter->next) {
    finish(*waiter);
  }
}

void LazyHistory::finish(const Waiter& waiter) {
  const auto place = std::find(queue_.begin(), queue_.end(), &waiter);
  require(place != queue_.end(), "finished a request that does not wait");
  if (waiter.state == Waiter::State::kGranted) {
    require(place == queue_.begin(), "granted out of turn");
    leases_.push_back(waiter.granted);
  }
  queue_.erase(place);
}

void LazyHistory::look() {
  woken_ = false;
  take(brain_.advance(now_));
  bool more = true;
  while (more) {
    more = brain_.take_work(work_);
    for (const Work& work : work_) world_.begin(work, now_);
  }
  while (brain_.take_leaks(leaks_, now_)) {
  }
  armed_ = brain_.next_deadline();
  woken_ = false;
  require(armed_ > now_, "a timer spins");
}

// Nobody woke the housekeeper, so it must find nothing.
void LazyHistory::look_uninvited() {
  if (woken_ || armed_ <= now_) return;
  require(!brain_.take_work(work_) && work_.empty(), "work woke nobody");
  require(!brain_.take_leaks(leaks_, now_), "a leak woke nobody");
  const TimePoint next = brain_.next_deadline();
  require(next >= armed_, "a timer woke nobody");
  armed_ = next;
}

void LazyHistory::check() {
  brain_.snapshot(now_, stats_);
  const auto sum = [](const auto& counts) {
    return std::accumulate(counts.begin(), counts.end(), 0U);
  };
  require(sum(stats_.connections) == stats_.total, "the states do not sum");
  require(stats_.total <= std::max(max_, total_before_), "over the limit");
  require(sum(stats_.waiting) == queue_.size() &&
              stats_.waiting_total == queue_.size(),
          "the waiting requests are miscounted");
  require(
      stats_.connections[static_cast<std::size_t>(ConnectionState::kActive)] ==
          leases_.size(),
      "the leases are miscounted");
  total_before_ = stats_.total;
}

void LazyHistory::pump(const char* promise, bool (LazyHistory::*done)() const) {
  for (int rounds = 0; !(this->*done)(); ++rounds) {
    require(rounds < 10'000, promise);
    release_one();
    if (woken_) look();
    const TimePoint next = std::min(world_.next_due(), armed_);
    if (next != TimePoint::max()) now_ = std::max(now_, next);
    while (const auto event = world_.take_due(now_)) deliver(*event);
    if (woken_ || armed_ <= now_) look();
    check();
  }
}

void LazyHistory::end() {
  world_.set_mood(World::Mood::kHealthy);
  pump("a request is never served", &LazyHistory::all_served);
  take(brain_.close(now_));
  pump("a closed pool does not drain", &LazyHistory::drained);
}

}  // namespace dbpool::test
