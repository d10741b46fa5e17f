// What happens in a history.
#include "tests/simulation/history.h"

#include <algorithm>

#include "tests/simulation/require.h"

namespace dbpool::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Duration kNone = Duration::zero();

template <typename Value, std::size_t kCount>
Value one_of(Random& random, const Value (&values)[kCount]) {
  return values[random.below(kCount)];
}

}  // namespace

PoolOptions random_options(Random& random) {
  PoolOptions o;
  using Maybe = std::optional<Duration>;
  o.max_connections = random.between(1, random.chance(80) ? 6 : 16);
  o.min_connections =
      random.chance(30) ? 0 : random.between(0, o.max_connections);
  o.max_waiting_requests = one_of(random, {0U, 1U, 3U, 20U, 20U, 20U, 50U});
  o.idle_timeout = one_of<Maybe>(
      random, {std::nullopt, milliseconds(50), seconds(10), seconds(30)});
  o.max_uses = one_of<std::optional<std::uint64_t>>(
      random, {std::nullopt, std::nullopt, 1, 7, 50});
  o.max_lifetime = one_of<Maybe>(
      random,
      {std::nullopt, std::nullopt, milliseconds(70), seconds(5), minutes(30)});
  o.lifetime_jitter = one_of(random, {0.0, 0.1, 0.5});
  o.check_after_idle = one_of<Duration>(
      random,
      {kNone, milliseconds(1), milliseconds(20), seconds(1), seconds(60)});
  if (o.max_waiting_requests == 0 && o.check_after_idle == kNone) {
    o.check_after_idle = milliseconds(5);
  }
  o.check_timeout = one_of<Duration>(random, {milliseconds(30), seconds(2)});
  o.open_timeout = one_of<Duration>(random, {milliseconds(200), seconds(5)});
  o.max_concurrent_openings = random.between(1, 4);
  o.backoff_initial = one_of<Duration>(
      random, {nanoseconds(1), milliseconds(1), milliseconds(50)});
  o.backoff_max = one_of<Duration>(random, {milliseconds(50), seconds(2)});
  o.leak_threshold = one_of<Maybe>(
      random, {std::nullopt, milliseconds(30), seconds(1), seconds(60)});
  o.close_timeout = seconds(1);
  o.random_seed = random.below(UINT64_MAX);
  return o;
}

std::optional<std::string> History::run(std::uint64_t events) {
  try {
    happen({.kind = EventKind::kStart});
    wander(events);
    if (random_.chance(80)) happy_end();
    close();
    return std::nullopt;
  } catch (const Violation& violation) {
    return report(violation.what());
  }
}

void History::wander(std::uint64_t events) {
  using Mood = World::Mood;
  const std::uint64_t end = events_ + events;
  while (events_ < end) {
    if (random_.below(200) == 0) {
      world_.set_mood(one_of(
          random_,
          {Mood::kHealthy, Mood::kHealthy, Mood::kHealthy, Mood::kFlaky,
           Mood::kFlaky, Mood::kRefusing, Mood::kSlotsFull, Mood::kHanging}));
    }
    step();
    if (random_.below(64) == 0) look_at_the_future();
  }
}

void History::step() {
  const std::uint64_t choice = random_.below(1000);
  if (choice < 330) {
    const Duration patience = one_of<Duration>(
        random_,
        {kNone, milliseconds(5), milliseconds(200), seconds(5), minutes(2)});
    acquire(random_.chance(5) ? TimePoint::max() : now_ + patience);
  } else if (choice < 620) {
    release_one();
  } else if (choice < 650) {
    cancel_one();
  } else if (choice < 690) {
    expire_one();
  } else if (choice < 700) {
    hang_up_one();
  } else if (choice < 720) {
    send_stray_news();
  } else if (choice < 724) {
    reconfigure();
  } else if (choice < 728) {
    happen({.kind = EventKind::kRenew});
  } else {
    tick();
  }
}

void History::acquire(TimePoint deadline) {
  happen({.kind = EventKind::kAcquire, .waiter = &new_waiter(deadline)});
}

void History::cancel_one() {
  const auto& queue = model_.queue();
  if (queue.empty()) return;
  happen({.kind = EventKind::kCancel,
          .waiter = queue[random_.below(queue.size())]});
}

// Only callers whose deadline has passed call expire().
void History::expire_one() {
  const auto& queue = model_.queue();
  if (queue.empty()) return;
  Waiter* waiter = queue[random_.below(queue.size())];
  if (waiter->deadline > now_) {
    require(!brain_.expire(*waiter, now_), "expired before its deadline");
    return;
  }
  happen({.kind = EventKind::kExpire, .waiter = waiter});
}

void History::release_one() {
  const std::uint32_t leases = model_.count(ConnectionState::kActive);
  if (leases == 0) return;
  std::uint64_t skip = random_.below(leases);
  for (const ModelConnection& connection : model_.connections()) {
    if (connection.state != ConnectionState::kActive || skip-- > 0) continue;
    ReturnState state = ReturnState::kClean;
    if (random_.chance(15)) {
      state = static_cast<ReturnState>(random_.below(4));
    }
    happen(
        {.kind = EventKind::kRelease, .id = connection.id, .returned = state});
    return;
  }
}

void History::hang_up_one() {
  const auto& all = model_.connections();
  if (all.empty()) return;
  happen({.kind = EventKind::kHungUp, .id = all[random_.below(all.size())].id});
}

// Of tenants that have gone, or in a state that the news does not fit.
void History::send_stray_news() {
  const auto& all = model_.connections();
  Event event;
  if (all.empty() || random_.chance(50)) {
    event.id = {random_.between(0, 20), random_.between(0, 3)};
    const auto is_real = [&](const auto& other) {
      return other.id == event.id;
    };
    if (std::any_of(all.begin(), all.end(), is_real)) return;
  } else {
    const ModelConnection& other = all[random_.below(all.size())];
    if (other.state != ConnectionState::kIdle &&
        other.state != ConnectionState::kActive) {
      return;
    }
    event.id = other.id;
  }
  event.kind = one_of(
      random_, {EventKind::kOpened, EventKind::kOpenFailed, EventKind::kChecked,
                EventKind::kCleaned, EventKind::kClosed});
  event.good = random_.chance(50);
  happen(event);
}

// Either the limits alone, or everything.
void History::reconfigure() {
  PoolOptions options = options_.back();
  if (random_.chance(50)) {
    options = random_options(random_);
  } else {
    options.max_connections = random_.between(1, 8);
    options.min_connections = random_.between(0, options.max_connections);
  }
  put_in_force(options);
}

void History::put_in_force(const PoolOptions& options) {
  options_.push_back(options);
  happen({.kind = EventKind::kReconfigure, .options = &options_.back()});
}

TimePoint History::next_moment() {
  return std::min(world_.next_due(), deadline_);
}

void History::tick() {
  Duration span = kNone;
  const std::uint64_t choice = random_.below(100);
  if (choice < 50) {
    const TimePoint next = next_moment();
    if (next != TimePoint::max() && next > now_) span = next - now_;
  } else if (choice < 95) {
    span = random_.between(
        kNone,
        one_of<Duration>(random_, {nanoseconds(10), milliseconds(1),
                                   milliseconds(30), milliseconds(200)}));
  } else if (choice < 99) {
    span = random_.between(kNone, seconds(10));
  } else {
    span = random_.between(kNone, minutes(5));
  }
  now_ += span;
  deliver_due(90);
}

// Each with this chance: news may come late, and in any order.
void History::deliver_due(std::uint32_t percent) {
  while (random_.chance(percent)) {
    const std::optional<Event> event = world_.take_due(now_);
    if (!event) break;
    happen(*event);
  }
  const bool due = deadline_ <= now_;
  if (due ? random_.chance(percent) : random_.chance(2)) {
    happen({.kind = EventKind::kAdvance});
  }
}

// --- The end ---------------------------------------------------------------

// Everything under way comes to its end, with a healthy server.
void History::settle_down() {
  world_.set_mood(World::Mood::kHealthy);
  for (int rounds = 0; rounds < 10'000; ++rounds) {
    if (world_.next_due() == TimePoint::max()) return;
    now_ = std::max(now_, next_moment());
    deliver_due(100);
  }
  throw Violation("the pool does not come to rest");
}

void History::release_all() {
  while (model_.count(ConnectionState::kActive) > 0) release_one();
}

// Requests that may wait for ever, each held until the next is served.
void History::serve_requests() {
  const std::uint32_t wanted = 20;
  const std::uint64_t goal = granted_ + wanted;
  std::uint64_t asked = 0;
  for (int rounds = 0; granted_ < goal; ++rounds) {
    require(rounds < 10'000, "a request is never served");
    const std::uint32_t most = options_.back().max_waiting_requests;
    const bool may_ask = most == 0 || model_.queue().size() < most;
    const bool retries = most == 0;
    if (may_ask && (asked < wanted || retries)) {
      acquire(TimePoint::max());
      ++asked;
    }
    const TimePoint next = next_moment();
    if (next != TimePoint::max()) now_ = std::max(now_, next);
    deliver_due(100);
    release_one();
  }
}

// Lifetimes that end sooner than a large pool can be filled keep it busy.
void History::calm_down() {
  PoolOptions options = options_.back();
  if (!options.max_lifetime || *options.max_lifetime >= seconds(5)) return;
  options.max_lifetime = seconds(5);
  put_in_force(options);
}

void History::happy_end() {
  calm_down();
  settle_down();
  while (!model_.queue().empty()) cancel_one();
  release_all();
  // A first knock, where the last opening failed and no floor demands one.
  now_ += std::max(options_.back().backoff_max, detail::PoolState::kOvertakes);
  happen({.kind = EventKind::kAdvance});
  settle_down();
  require(model_.live() >= model_.min_connections(), "the floor is not filled");
  serve_requests();
  settle_down();
  release_all();
  settle_down();
  // A single one is never risked.
  require(model_.outdated() == 0 || model_.max_connections() == 1,
          "an outdated connection is never replaced");
}

void History::close() {
  happen({.kind = EventKind::kClose});
  acquire(TimePoint::max());
  for (int i = 0; i < 20; ++i) step();
  release_all();
  settle_down();
  require(brain_.is_drained(), "a closed pool does not drain");
}

}  // namespace dbpool::test
