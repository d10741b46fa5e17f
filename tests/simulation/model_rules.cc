// What must be true after every event.
#include <algorithm>
#include <numeric>

#include "tests/simulation/model.h"
#include "tests/simulation/require.h"

namespace dbpool::test {
namespace {

using State = ConnectionState;

void require_sum(const HistogramSnapshot& histogram, std::uint64_t count,
                 std::chrono::nanoseconds sum, const char* promise) {
  require(histogram.count() == count && histogram.sum == sum, promise);
}

}  // namespace

void Model::check(const Event& event, const Outcome& outcome) {
  check_subject(event);
  check_gauges(outcome.stats);
  check_counters(outcome.stats);
  check_integrals(outcome.stats, integrals_);
  // These two change the queue alone and settle nothing.
  const bool settles =
      event.kind != EventKind::kCancel && event.kind != EventKind::kExpire;
  if (settles) check_progress();
  check_nothing_kept(event.kind == EventKind::kAdvance);
  check_timers(event, outcome);
  check_peak(outcome.stats);
}

void Model::check_subject(const Event& event) const {
  if (!subject_) return;
  const auto same = [&](const auto& other) { return other.id == *subject_; };
  const auto place =
      std::find_if(connections_.begin(), connections_.end(), same);
  require(place != connections_.end(), "a connection was lost");
  if (must_close_) {
    require(place->state == State::kClosing, "a connection must be closed");
  } else if (event.kind == EventKind::kRelease &&
             event.returned == ReturnState::kDirty) {
    require(place->state == State::kChecking || place->state == State::kClosing,
            "a dirty connection was not cleaned");
  } else {
    require(place->state != State::kIdle || queue_.empty(),
            "a connection came back, but nobody got it");
  }
}

void Model::check_gauges(const PoolStats& stats) const {
  for (std::size_t i = 0; i < kConnectionStateCount; ++i) {
    require(stats.connections[i] == count(static_cast<State>(i)),
            "the states of connections are miscounted");
  }
  require(std::accumulate(stats.connections.begin(), stats.connections.end(),
                          0U) == stats.total,
          "the states do not sum to the total");
  require(stats.total <= std::max(max_, total_before_),
          "there are more connections than the limit");
  require(stats.waiting == waiting(), "the reasons are not the table's");
  require(stats.waiting_total == queue_.size() &&
              std::accumulate(stats.waiting.begin(), stats.waiting.end(), 0U) ==
                  stats.waiting_total,
          "the waiting requests are miscounted");
  require(stats.max_connections == max_ && stats.min_connections == min_ &&
              stats.max_waiting_requests == options_.max_waiting_requests &&
              stats.closed == closed_,
          "the limits are not those in force");
  require(stats.backing_off == (now_ < retry_at_), "the backoff is wrong");
  std::uint32_t overdue = 0;
  for (const auto& connection : connections_) {
    const bool is = is_overdue(connection, now_);
    require(is == (connection.state == State::kActive && connection.reported),
            "a leak was missed");
    overdue += is ? 1 : 0;
  }
  require(stats.overdue_leases == overdue, "overdue leases are miscounted");
  const ModelConnection* lease = first_in(State::kActive);
  require(stats.oldest_lease_age ==
              (lease ? now_ - lease->since : Duration::zero()),
          "the oldest lease has another age");
  require(stats.oldest_waiting_age ==
              (queue_.empty() ? Duration::zero()
                              : now_ - queue_.front()->enqueued_at),
          "the oldest request has another age");
}

void Model::check_counters(const PoolStats& stats) const {
  require(stats.acquires == counted_.acquires &&
              stats.acquires_waited == counted_.acquires_waited &&
              stats.acquire_failures == counted_.acquire_failures,
          "acquires are miscounted");
  require(stats.opened == counted_.opened &&
              stats.connect_failures == counted_.connect_failures &&
              stats.closed_by_reason == counted_.closed_by_reason,
          "openings or closings are miscounted");
  require(stats.dirty_returns == counted_.dirty_returns &&
              stats.leaks_suspected == counted_.leaks_suspected,
          "dirty returns or leaks are miscounted");
  require_sum(stats.wait_granted, granted_, wait_granted_,
              "the waits of granted acquires are wrong");
  require_sum(stats.wait_failed, failed_, wait_failed_,
              "the waits of failed acquires are wrong");
  require_sum(stats.lease_duration, leases_ended_, lease_time_,
              "the durations of leases are wrong");
  require(stats.connect_duration.count() == counted_.opened,
          "the durations of openings are wrong");
}

void Model::check_integrals(const PoolStats& stats,
                            const Integrals& naive) const {
  require(stats.waiting_time == naive.waiting &&
              stats.exhausted_time == naive.exhausted,
          "the integrals of waiting are wrong");
  require(stats.connection_time == naive.connections &&
              stats.max_connection_time == naive.max,
          "the integrals of connections are wrong");
}

void Model::check_progress() const {
  if (closed_) {
    require(queue_.empty(), "requests wait in a closed pool");
    return;
  }
  require(!hopeless() || queue_.empty(), "requests wait without hope");
  if (!queue_.empty() && count(State::kIdle) > 0) {
    require(helping_checks() >= queue_.size(),
            "a request waits beside an idle connection");
  }
  require(!coldest_outdated() || !may_replace(),
          "an outdated connection was not closed");
  if (now_ >= retry_at_ && may_open()) {
    require(needed_openings() == 0, "an opening is missing");
  }
}

// Connections that must not be there any more.
void Model::check_nothing_kept(bool advanced) const {
  const bool too_many = not_closing() > max_;
  for (const ModelConnection& connection : connections_) {
    if (connection.state == State::kOpening) {
      require(!closed_ && !too_many && !connection.overtaken &&
                  !connection.outdated,
              "an opening was not aborted");
    } else if (connection.state == State::kChecking) {
      require(!closed_, "a check goes on in a closed pool");
    } else if (connection.state == State::kIdle) {
      require(!closed_ && !too_many && !connection.hung_up,
              "an idle connection was not closed");
      require(!options_.max_uses || connection.uses < *options_.max_uses,
              "a connection was used too often");
      require(!advanced || !must_expire(connection), "a connection is too old");
      require(!advanced || !options_.idle_timeout || live() <= min_ ||
                  now_ - connection.since < *options_.idle_timeout,
              "a connection is idle for too long");
    }
  }
}

TimePoint Model::naive_deadline() const {
  TimePoint next = TimePoint::max();
  for (const Waiter* waiter : queue_) next = std::min(next, waiter->deadline);
  for (const ModelConnection& connection : connections_) {
    const TimePoint since = connection.since;
    if (connection.state == State::kActive && options_.leak_threshold &&
        !connection.reported) {
      next = std::min(next, since + *options_.leak_threshold);
    }
    if (connection.state == State::kIdle && options_.idle_timeout &&
        live() > min_) {
      next = std::min(next, since + *options_.idle_timeout);
    }
    const TimePoint slow = since + std::chrono::milliseconds(100);
    if (connection.state == State::kChecking && !queue_.empty() &&
        slow > now_) {
      next = std::min(next, slow);
    }
  }
  next = std::min(next, end_of_hope());
  const bool opens_later =
      now_ < retry_at_ && may_open() && needed_openings() > 0;
  return opens_later ? std::min(next, retry_at_) : next;
}

// When nobody may wait any more for what is opening.
TimePoint Model::end_of_hope() const {
  if (live() > 0 || failures_ == 0 || queue_.empty()) return TimePoint::max();
  TimePoint last = TimePoint::min();
  for (const ModelConnection& connection : connections_) {
    if (!is_young_opening(connection)) continue;
    last = std::max(last, connection.since + std::chrono::milliseconds(100));
  }
  return last == TimePoint::min() ? TimePoint::max() : last;
}

void Model::check_timers(const Event& event, const Outcome& outcome) {
  const TimePoint next = outcome.next_deadline;
  refused_ = false;  // it asks once
  if (event.kind == EventKind::kAdvance) {
    require(next > now_, "a timer spins");
  }
  require(next <= naive_deadline(), "a timer comes too late");
  if (!options_.max_lifetime && event.kind != EventKind::kCancel &&
      event.kind != EventKind::kExpire) {
    require(next == naive_deadline(), "a timer comes too early");
  }
  const bool looks_anyway = armed_ <= now_;
  require(outcome.woke || outcome.work.empty(), "work wakes nobody");
  require(outcome.woke || outcome.leaks.empty() || looks_anyway,
          "a leak wakes nobody");
  require(outcome.woke || next >= armed_, "a timer wakes nobody");
  armed_ = next;
}

// The window is cut in seconds: 60 s at least, 61 s at most.
void Model::check_peak(const PoolStats& stats) {
  using std::chrono::seconds;
  while (!levels_.empty() && levels_.front().until < now_ - seconds(61)) {
    levels_.pop_front();
  }
  // Older maxima can be dropped by a newer, higher level.
  while (levels_.size() > 1 &&
         levels_[levels_.size() - 2].waiting <= levels_.back().waiting) {
    levels_.erase(levels_.end() - 2);
  }
  const auto now = static_cast<std::uint32_t>(queue_.size());
  std::uint32_t least = now;
  std::uint32_t most = now;
  for (const Level& level : levels_) {
    most = std::max(most, level.waiting);
    if (level.until >= now_ - seconds(60)) {
      least = std::max(least, level.waiting);
    }
  }
  require(least <= stats.waiting_peak && stats.waiting_peak <= most,
          "the peak is not that of the last minute");
}

void Model::check_projection(const PoolStats& stats, TimePoint later) const {
  check_integrals(stats, integrals_at(later));
  require(stats.waiting == waiting(), "the reasons change by reading");
  std::uint32_t overdue = 0;
  for (const auto& other : connections_) overdue += is_overdue(other, later);
  require(stats.overdue_leases == overdue, "overdue leases are miscounted");
}

void Model::check_longest(const std::vector<detail::LeaseFacts>& leases,
                          TimePoint later) const {
  std::vector<ModelConnection> active;
  for (const auto& connection : connections_) {
    if (connection.state == State::kActive) active.push_back(connection);
  }
  std::sort(active.begin(), active.end(),
            [](const auto& a, const auto& b) { return a.order < b.order; });
  require(leases.size() <= active.size(), "more leases than there are");
  for (std::size_t i = 0; i < leases.size(); ++i) {
    require(leases[i].id == active[i].id &&
                leases[i].age == later - active[i].since,
            "the longest leases are others");
  }
}

}  // namespace dbpool::test
