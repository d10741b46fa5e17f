// What the model finds by looking at everything.
#include <algorithm>

#include "tests/simulation/model.h"

namespace dbpool::test {

using State = ConnectionState;

std::uint32_t Model::count(State state) const {
  const auto in_state = [&](const auto& other) { return other.state == state; };
  return static_cast<std::uint32_t>(
      std::count_if(connections_.begin(), connections_.end(), in_state));
}

std::uint32_t Model::live() const {
  return count(State::kIdle) + count(State::kActive) + count(State::kChecking);
}

const ModelConnection* Model::first_in(State state) const {
  const ModelConnection* found = nullptr;
  for (const ModelConnection& connection : connections_) {
    if (connection.state != state) continue;
    if (!found || connection.order < found->order) found = &connection;
  }
  return found;
}

const ModelConnection* Model::last_in(State state) const {
  const ModelConnection* found = nullptr;
  for (const ModelConnection& connection : connections_) {
    if (connection.state != state) continue;
    if (!found || connection.order > found->order) found = &connection;
  }
  return found;
}

bool Model::is_fresh(const ModelConnection& connection) const {
  return now_ - connection.since <= options_.check_after_idle;
}

// What was reported stays so, whatever becomes of the threshold.
bool Model::is_overdue(const ModelConnection& connection, TimePoint at) const {
  if (connection.state != State::kActive) return false;
  return connection.reported ||
         (options_.leak_threshold &&
          at - connection.since >= *options_.leak_threshold);
}

std::uint32_t Model::outdated() const {
  const auto stays = [](const auto& other) {
    return other.outdated && other.state != State::kClosing;
  };
  return static_cast<std::uint32_t>(
      std::count_if(connections_.begin(), connections_.end(), stays));
}

const ModelConnection* Model::coldest_outdated() const {
  const ModelConnection* found = nullptr;
  for (const ModelConnection& connection : connections_) {
    if (connection.state != State::kIdle || !connection.outdated) continue;
    if (!found || connection.order < found->order) found = &connection;
  }
  return found;
}

// A new connection for each that goes, or the room for one.
bool Model::may_replace() const {
  if (may_part_) return true;
  const bool full = total() >= max_;
  const bool rests = count(State::kOpening) + count(State::kClosing) == 0;
  return full && rests && (live() > 1 || (proven_ && failures_ == 0));
}

std::uint32_t Model::helping_checks() const {
  const auto helps = [&](const ModelConnection& connection) {
    return connection.state == State::kChecking &&
           now_ - connection.since < std::chrono::milliseconds(100);
  };
  return static_cast<std::uint32_t>(
      std::count_if(connections_.begin(), connections_.end(), helps));
}

std::uint32_t Model::needed_openings() const {
  if (closed_) return 0;
  const std::int64_t queue = std::int64_t{asking()} - helping_checks();
  const std::int64_t floor = std::int64_t{min_} - live();
  const std::int64_t opening = failures_ > 0 ? 0 : count(State::kOpening);
  const std::int64_t new_one = !may_part_ && coldest_outdated() ? 1 : 0;
  const std::int64_t needed = std::max({queue, floor, new_one}) - opening;
  return static_cast<std::uint32_t>(std::max<std::int64_t>(needed, 0));
}

bool Model::may_open() const {
  return total() < max_ &&
         count(State::kOpening) < options_.max_concurrent_openings;
}

bool Model::is_young_opening(const ModelConnection& connection) const {
  return connection.state == State::kOpening &&
         now_ - connection.since < std::chrono::milliseconds(100);
}

bool Model::hopeless() const {
  const bool hopes = std::any_of(
      connections_.begin(), connections_.end(),
      [&](const ModelConnection& other) { return is_young_opening(other); });
  const bool will_try =
      now_ >= retry_at_ && (may_open() || count(State::kOpening) == 0);
  return live() == 0 && failures_ > 0 && !hopes && !will_try;
}

// The table of stats.h, word for word.
WaitReason Model::reason(std::size_t p) const {
  const bool refused = failures_ > 0;
  const bool no_slots =
      refused && last_failure_ == ConnectFailure::kTooManyConnections;
  if (live() == 0 && no_slots) return WaitReason::kServerSlots;
  if (live() == 0 && refused) return WaitReason::kBackendDown;
  if (p < count(State::kChecking)) return WaitReason::kOpening;
  if (no_slots && total() - count(State::kOpening) < max_) {
    return WaitReason::kServerSlots;
  }
  if (p < count(State::kChecking) + count(State::kOpening)) {
    return WaitReason::kOpening;
  }
  if (total() < max_) return WaitReason::kOpening;
  const auto is_lost = [](const ModelConnection& other) {
    return other.state == State::kClosing &&
           (other.close_reason == CloseReason::kBroken ||
            other.close_reason == CloseReason::kCheckFailed ||
            other.close_reason == CloseReason::kDirty);
  };
  if (count(State::kActive) == 0 &&
      (count(State::kOpening) + count(State::kChecking) > 0 ||
       std::any_of(connections_.begin(), connections_.end(), is_lost))) {
    return WaitReason::kOpening;
  }
  return WaitReason::kCapacity;
}

std::array<std::uint32_t, kWaitReasonCount> Model::waiting() const {
  std::array<std::uint32_t, kWaitReasonCount> by_reason = {};
  for (std::size_t place = 0; place < queue_.size(); ++place) {
    ++by_reason[static_cast<std::size_t>(reason(place))];
  }
  return by_reason;
}

// Time alone changes no reason.
Model::Integrals Model::integrals_at(TimePoint later) const {
  const Nanos span = later - now_;
  Integrals to = integrals_;
  for (const ModelConnection& connection : connections_) {
    to.connections[static_cast<std::size_t>(connection.state)] += span;
  }
  const auto by_reason = waiting();
  for (std::size_t i = 0; i < kWaitReasonCount; ++i) {
    to.waiting[i] += by_reason[i] * span;
  }
  const auto capacity = static_cast<std::size_t>(WaitReason::kCapacity);
  if (by_reason[capacity] > 0) to.exhausted += span;
  to.max += max_ * span;
  return to;
}

}  // namespace dbpool::test
