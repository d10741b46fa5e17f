#include "exporter/diagnosis/load.h"

#include <algorithm>
#include <cstddef>

#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

namespace {

using std::chrono::minutes;

// Fewer say nothing about a variance.
constexpr std::uint64_t kEnoughLeases = 30;

constexpr std::size_t kGoodBuckets = [] {
  std::size_t index = 0;
  while (std::chrono::nanoseconds(kLatencyBoundsNs[index]) < kGoodWait) ++index;
  return index + 1;
}();
static_assert(std::chrono::nanoseconds(kLatencyBoundsNs[kGoodBuckets - 1]) ==
              kGoodWait);

constexpr std::array kSlowFailures = {AcquireFailure::kTimeoutCapacity,
                                      AcquireFailure::kTimeoutOpening,
                                      AcquireFailure::kQueueFull};

std::uint64_t slow_of(const PoolStats& stats) {
  std::uint64_t slow = 0;
  for (std::size_t i = kGoodBuckets; i < stats.wait_granted.counts.size();
       ++i) {
    slow += stats.wait_granted.counts[i];
  }
  for (const AcquireFailure failure : kSlowFailures) {
    slow += stats.acquire_failures[static_cast<std::size_t>(failure)];
  }
  return slow;
}

std::optional<Duration> mean(Duration sum, std::uint64_t count) {
  if (count == 0) return std::nullopt;
  return sum / static_cast<Duration::rep>(count);
}

double variation(double squares, Duration sum, std::uint64_t count) {
  if (count < kEnoughLeases || sum <= Duration::zero()) return 1;
  const double number = static_cast<double>(count);
  const double average = metrics::seconds(sum) / number;
  return std::max(squares / number / (average * average) - 1, 0.0);
}

// Drops from the front what is older than `most`, but for one.
void trim(std::deque<LoadSample>& samples, Duration most) {
  while (samples.size() > 2 && samples.back().at - samples[1].at >= most) {
    samples.pop_front();
  }
}

}  // namespace

LoadSample sample_of(const PoolStats& stats, TimePoint at) {
  LoadSample sample;
  sample.at = at;
  sample.arrivals = stats.acquires + stats.waiting_total;
  sample.acquires = stats.acquires;
  sample.slow = slow_of(stats);
  sample.failures = stats.acquire_failures;
  sample.granted = stats.wait_granted.count();
  sample.leases = stats.lease_duration.count();
  sample.lease_time = stats.lease_duration.sum;
  sample.lease_squares = stats.lease_seconds_squared;
  sample.active_time =
      stats.connection_time[static_cast<std::size_t>(ConnectionState::kActive)];
  sample.waiting_time = stats.waiting_time;
  for (const QueryStats& query : stats.queries) {
    sample.statements += query.total;
    sample.statement_time += query.duration.sum;
  }
  return sample;
}

double Load::arrivals_per_second() const {
  if (during <= Duration::zero()) return 0;
  return static_cast<double>(arrivals) / metrics::seconds(during);
}

std::optional<double> Load::offered() const {
  if (!mean_hold) return std::nullopt;
  return arrivals_per_second() * metrics::seconds(*mean_hold);
}

Load load_between(const LoadSample& before, const LoadSample& after) {
  Load load;
  load.during = after.at - before.at;
  if (load.during <= Duration::zero()) return {};
  load.arrivals = after.arrivals - before.arrivals;
  load.acquires = after.acquires - before.acquires;
  load.slow = after.slow - before.slow;
  for (std::size_t i = 0; i < kAcquireFailureCount; ++i) {
    load.failures[i] = after.failures[i] - before.failures[i];
  }
  for (std::size_t i = 0; i < kWaitReasonCount; ++i) {
    load.waiting[i] =
        metrics::seconds(after.waiting_time[i] - before.waiting_time[i]) /
        metrics::seconds(load.during);
  }
  load.granted = after.granted - before.granted;
  const std::uint64_t leases = after.leases - before.leases;
  const Duration lease_time = after.lease_time - before.lease_time;
  load.mean_hold = mean(lease_time, leases);
  load.held = after.active_time - before.active_time;
  if (!load.mean_hold) load.mean_hold = mean(load.held, load.granted);
  load.hold_variation =
      variation(after.lease_squares - before.lease_squares, lease_time, leases);
  load.statements = after.statements - before.statements;
  load.statement_time = after.statement_time - before.statement_time;
  load.mean_statement = mean(load.statement_time, load.statements);
  return load;
}

void LoadHistory::add(const LoadSample& sample) {
  seconds_.push_back(sample);
  trim(seconds_, minutes(1));
  if (minutes_.empty() || sample.at - minutes_.back().at >= minutes(1)) {
    minutes_.push_back(sample);
    trim(minutes_, minutes(60));
  }
}

void LoadHistory::forget_lately() {
  if (seconds_.empty()) return;
  seconds_.erase(seconds_.begin(), seconds_.end() - 1);
}

Load LoadHistory::last(Duration during) const {
  if (seconds_.size() < 2) return {};
  const LoadSample& now = seconds_.back();
  const auto is_young = [&](const LoadSample& sample) {
    return now.at - sample.at < during;
  };
  auto young = std::ranges::find_if(seconds_, is_young);
  if (young != seconds_.begin()) --young;
  return load_between(*young, now);
}

std::optional<Load> LoadHistory::baseline() const {
  if (minutes_.size() < 2) return std::nullopt;
  // The last one is less than a minute old, the one before it is not.
  const Load load =
      load_between(minutes_.front(), minutes_[minutes_.size() - 2]);
  if (load.during < kShortestBaseline) return std::nullopt;
  return load;
}

}  // namespace dbpool::exporter
