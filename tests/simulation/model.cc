// The model's picture of the requests.
#include "tests/simulation/model.h"

#include <algorithm>

#include "tests/simulation/require.h"

namespace dbpool::test {

Model::Model(const PoolOptions& options, TimePoint now)
    : options_(options),
      min_(options.min_connections),
      max_(options.max_connections),
      now_(now) {}

void Model::observe(const Event& event, const Outcome& outcome) {
  integrals_ = integrals_at(event.now);
  const auto waiting = static_cast<std::uint32_t>(queue_.size());
  levels_.push_back({event.now, waiting});
  now_ = event.now;
  total_before_ = total();
  refused_ = false;
  subject_.reset();
  must_close_.reset();
  if (event.kind == EventKind::kReconfigure) reconfigure(*event.options);
  for (const detail::LeaseFacts& facts : outcome.leaks) leak(facts);
  apply(event, outcome);
  const auto is_fast = [&](const Waiter* waiter) {
    return failed_fast(*waiter, event);
  };
  // First those who got something or whose time was over, then what that
  // brings about, last those for whom there is no hope.
  for (Waiter* waiter : outcome.finished) {
    if (!is_fast(waiter)) finish(*waiter, event);
  }
  for (const Work& item : outcome.work) work(item, event);
  for (Waiter* waiter : outcome.finished) {
    if (is_fast(waiter)) finish_fast(*waiter);
  }
  check(event, outcome);
}

void Model::apply(const Event& event, const Outcome& outcome) {
  switch (event.kind) {
    case EventKind::kStart:
    case EventKind::kAdvance:
    case EventKind::kReconfigure:
      return;
    case EventKind::kAcquire:
      return acquired(*event.waiter);
    case EventKind::kCancel:
    case EventKind::kExpire:
      require(outcome.accepted, "a waiting request cannot leave the queue");
      return left_queue(event);
    case EventKind::kRelease:
      return released(event);
    case EventKind::kOpened:
      return opened(event);
    case EventKind::kOpenFailed:
      return open_failed(event, outcome);
    case EventKind::kChecked:
    case EventKind::kCleaned:
      return check_ended(event);
    case EventKind::kClosed:
      return gone(event, outcome);
    case EventKind::kHungUp:
      return hung_up(event);
    case EventKind::kRenew:
      return renew();
    case EventKind::kClose:
      closed_ = true;
      return;
  }
}

void Model::reconfigure(const PoolOptions& options) {
  for (ModelConnection& connection : connections_) {
    connection.was_stale = connection.was_stale || !is_fresh(connection);
  }
  options_ = options;
  min_ = options.min_connections;
  max_ = options.max_connections;
  if (failures_ == 0) return;
  const Duration longest = std::max(longest_backoff(), kOvertakes);
  retry_at_ = std::min(retry_at_, now_ + longest);
}

void Model::acquired(Waiter& waiter) {
  const ModelConnection* idle = last_in(ConnectionState::kIdle);
  const bool can_lend =
      !closed_ && queue_.empty() && idle != nullptr && is_fresh(*idle);
  switch (waiter.state) {
    case Waiter::State::kNew:
      throw Violation("an acquire is neither finished nor queued");
    case Waiter::State::kGranted:
      require(can_lend, "granted without a fresh idle connection");
      granted(waiter);
      return;
    case Waiter::State::kQueued:
      require(!can_lend, "queued beside a fresh idle connection");
      require(!closed_ && !hopeless(), "queued without hope");
      require(queue_.size() < options_.max_waiting_requests,
              "the queue is over its bound");
      queue_.push_back(&waiter);
      return;
    case Waiter::State::kFailed:
      require(!can_lend, "failed beside a fresh idle connection");
      require(waiter.failure == immediate_failure(),
              "an acquire fails at once for a wrong reason");
      refused_ = options_.max_waiting_requests == 0 &&
                 waiter.failure == AcquireFailure::kQueueFull;
      failed(waiter);
      return;
  }
}

AcquireFailure Model::immediate_failure() const {
  if (closed_) return AcquireFailure::kClosed;
  if (hopeless()) {
    return last_failure_ == ConnectFailure::kTooManyConnections
               ? AcquireFailure::kServerSlots
               : AcquireFailure::kBackendDown;
  }
  require(queue_.size() >= options_.max_waiting_requests,
          "an acquire fails at once for no reason");
  return AcquireFailure::kQueueFull;
}

void Model::left_queue(const Event& event) {
  const Waiter& waiter = *event.waiter;
  require(waiter.state == Waiter::State::kFailed, "left, but not failed");
  if (event.kind == EventKind::kExpire) {
    check_timeout(waiter);
  } else {
    require(waiter.failure == AcquireFailure::kCancelled,
            "a cancelled request failed for another reason");
  }
  take_from_queue(waiter);
  failed(waiter);
}

// A request of Effects::finished.
void Model::finish(Waiter& waiter, const Event& event) {
  if (waiter.state == Waiter::State::kGranted) {
    check_turn(waiter, event);
    take_from_queue(waiter);
    granted(waiter);
    return;
  }
  require(waiter.state == Waiter::State::kFailed, "finished, yet not");
  if (waiter.failure == AcquireFailure::kClosed) {
    require(closed_, "failed with kClosed in an open pool");
  } else {
    check_timeout(waiter);
  }
  take_from_queue(waiter);
  failed(waiter);
}

// First in, first out, but that a lease may stay at home.
void Model::check_turn(const Waiter& waiter, const Event& event) const {
  const auto place = std::find(queue_.begin(), queue_.end(), &waiter);
  require(place != queue_.end(),
          "granted out of turn, twice, or without having waited");
  if (place == queue_.begin()) return;
  const auto lease = std::find_if(
      connections_.begin(), connections_.end(),
      [&](const auto& other) { return other.id == waiter.granted; });
  require(event.kind == EventKind::kRelease && lease != connections_.end() &&
              lease->home != 0 && lease->home == waiter.home,
          "granted out of turn");
  for (auto other = queue_.begin(); other != place; ++other) {
    require((*other)->home != waiter.home, "granted out of turn at home");
    require(waiter.enqueued_at - (*other)->enqueued_at <=
                std::chrono::milliseconds(1),
            "overtaken by a request that came more than 1 ms later");
  }
}

bool Model::failed_fast(const Waiter& waiter, const Event& event) const {
  if (waiter.state != Waiter::State::kFailed) return false;
  if (waiter.failure == AcquireFailure::kBackendDown) return true;
  const bool timed_out =
      event.kind == EventKind::kAdvance && waiter.deadline <= now_;
  return waiter.failure == AcquireFailure::kServerSlots && !timed_out;
}

void Model::finish_fast(const Waiter& waiter) {
  require(hopeless(), "failed fast, but there is hope");
  require(waiter.failure == immediate_failure(),
          "failed fast for a wrong reason");
  take_from_queue(waiter);
  failed(waiter);
}

void Model::granted(Waiter& waiter) {
  ModelConnection* connection = find(waiter.granted, ConnectionState::kIdle);
  require(connection != nullptr, "granted a connection that is not free");
  require(connection->id == last_in(ConnectionState::kIdle)->id,
          "granted another than the hottest connection");
  require(is_fresh(*connection), "granted without a check");
  require(!must_close_ || subject_ != connection->id,
          "granted a connection that must be closed");
  enter(*connection, ConnectionState::kActive);
  ++connection->uses;
  connection->reported = false;
  connection->line = waiter.where.line();
  connection->home = waiter.home;
  ++granted_;
  wait_granted_ += now_ - waiter.enqueued_at;
  ++counted_.acquires;
}

void Model::failed(const Waiter& waiter) {
  ++failed_;
  wait_failed_ += now_ - waiter.enqueued_at;
  ++counted_.acquires;
  ++counted_.acquire_failures[static_cast<std::size_t>(waiter.failure)];
}

void Model::take_from_queue(const Waiter& waiter) {
  const auto place = std::find(queue_.begin(), queue_.end(), &waiter);
  require(place != queue_.end(), "finished a request that does not wait");
  queue_.erase(place);
  ++counted_.acquires_waited;
}

// Before any connection changes: deadlines come first.
void Model::check_timeout(const Waiter& waiter) const {
  require(waiter.deadline <= now_, "timed out before its deadline");
  const auto place = std::find(queue_.begin(), queue_.end(), &waiter);
  AcquireFailure expected = AcquireFailure::kServerSlots;
  switch (reason(static_cast<std::size_t>(place - queue_.begin()))) {
    case WaitReason::kCapacity:
      expected = AcquireFailure::kTimeoutCapacity;
      break;
    case WaitReason::kOpening:
      expected = AcquireFailure::kTimeoutOpening;
      break;
    case WaitReason::kBackendDown:
      expected = AcquireFailure::kTimeoutBackendDown;
      break;
    case WaitReason::kServerSlots:
      break;
  }
  require(waiter.failure == expected, "timed out for a wrong reason");
}

}  // namespace dbpool::test
