#include "tests/simulation/world.h"

#include <algorithm>

namespace dbpool::test {
namespace {

using std::chrono::milliseconds;

constexpr Duration kQuick = milliseconds(20);

}  // namespace

// The outcome of an opening; `now` of the event is when it becomes known.
Event World::opening(const Work& work, TimePoint now) {
  Event event{.kind = EventKind::kOpened, .now = now, .id = work.id};
  event.now += random_.between(Duration::zero(), kQuick);
  const auto fail = [&](ConnectFailure failure) {
    event.kind = EventKind::kOpenFailed;
    event.failure = failure;
  };
  const auto hang = [&] {
    fail(ConnectFailure::kTimeout);
    event.now = now + options_.open_timeout / (work.quick ? 4 : 1);
  };
  switch (mood_) {
    case Mood::kHealthy:
      break;
    case Mood::kRefusing:
      fail(ConnectFailure::kRefused);
      break;
    case Mood::kSlotsFull:
      fail(ConnectFailure::kTooManyConnections);
      break;
    case Mood::kHanging:
      hang();
      break;
    case Mood::kFlaky:
      if (random_.chance(10)) {
        hang();
      } else if (random_.chance(40)) {
        fail(static_cast<ConnectFailure>(random_.below(kConnectFailureCount)));
      }
      break;
  }
  return event;
}

Event World::check(const Work& work, TimePoint now) {
  Event event{.kind = work.kind == WorkKind::kCheck ? EventKind::kChecked
                                                    : EventKind::kCleaned,
              .now = now,
              .id = work.id};
  event.good = mood_ == Mood::kHealthy || mood_ == Mood::kSlotsFull;
  event.now += random_.between(Duration::zero(), kQuick);
  bool hangs = mood_ == Mood::kHanging;
  if (mood_ == Mood::kFlaky) {
    event.good = random_.chance(70);
    hangs = random_.chance(15);
  }
  if (hangs) {
    event.now = now + options_.check_timeout;
    event.good = false;
  }
  return event;
}

// What was under way is abandoned; sometimes its news comes all the same.
void World::give_up(const Work& work, TimePoint now) {
  std::erase_if(pending_, [&](const Pending& pending) {
    return pending.event.id == work.id && !random_.chance(30);
  });
  const Duration most = random_.chance(10) ? options_.close_timeout : kQuick;
  const TimePoint due = now + random_.between(Duration::zero(), most);
  pending_.push_back(
      {due, {.kind = EventKind::kClosed, .now = due, .id = work.id}});
}

void World::begin(const Work& work, TimePoint now) {
  if (work.kind == WorkKind::kClose) {
    give_up(work, now);
    return;
  }
  const Event event =
      work.kind == WorkKind::kOpen ? opening(work, now) : check(work, now);
  pending_.push_back({event.now, event});
}

TimePoint World::next_due() const {
  TimePoint next = TimePoint::max();
  for (const Pending& pending : pending_) next = std::min(next, pending.due);
  return next;
}

std::optional<Event> World::take_due(TimePoint now) {
  if (pending_.empty()) return std::nullopt;
  const std::size_t start = random_.below(pending_.size());
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Pending& pending = pending_[(start + i) % pending_.size()];
    if (pending.due > now) continue;
    Event event = pending.event;
    event.now = now;
    pending = pending_.back();
    pending_.pop_back();
    return event;
  }
  return std::nullopt;
}

}  // namespace dbpool::test
