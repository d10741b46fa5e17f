#include "exporter/live/history.h"

#include <algorithm>
#include <numeric>

#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

namespace {

static_assert(sizeof(Sample) <= 400);

void add_to(HistogramSnapshot& sum, const HistogramSnapshot& more) {
  for (std::size_t i = 0; i < sum.counts.size(); ++i) {
    sum.counts[i] += more.counts[i];
  }
  sum.sum += more.sum;
}

HistogramSnapshot difference(const HistogramSnapshot& now,
                             const HistogramSnapshot& before) {
  HistogramSnapshot result = now;
  for (std::size_t i = 0; i < result.counts.size(); ++i) {
    result.counts[i] -= before.counts[i];
  }
  result.sum -= before.sum;
  return result;
}

double bound_of(std::size_t bucket) {
  const std::size_t last = kLatencyBoundsNs.size() - 1;
  return metrics::seconds(
      std::chrono::nanoseconds(kLatencyBoundsNs[std::min(bucket, last)]));
}

double width_of(std::size_t bucket) {
  return bound_of(bucket) - (bucket == 0 ? 0 : bound_of(bucket - 1));
}

// From where to where in their buckets the observations lie, from 0 to 1, if
// it is the same in all: in the middle of it is where the sum says that they
// are on average.
struct Spread {
  double from = 0, to = 1;
};
Spread spread_of(const HistogramSnapshot& histogram) {
  double above = metrics::seconds(histogram.sum);
  double width = 0;
  for (std::size_t i = 0; i < kLatencyBoundsNs.size(); ++i) {
    const double count = static_cast<double>(histogram.counts[i]);
    above -= count * (bound_of(i) - width_of(i));
    width += count * width_of(i);
  }
  if (width <= 0 || histogram.counts.back() > 0) return {};
  const double middle = std::clamp(above / width, 0.0, 1.0);
  return {std::max(0.0, 2 * middle - 1), std::min(1.0, 2 * middle)};
}

// None waited for longer than `longest` seconds.
std::optional<Sample::Waits> waits_of(const HistogramSnapshot& histogram,
                                      double longest) {
  const auto p50 = quantile(histogram, 0.5);
  if (!p50) return std::nullopt;
  std::size_t last = histogram.counts.size() - 1;
  while (histogram.counts[last] == 0) --last;
  return Sample::Waits{std::min(*p50, longest),
                       std::min(*quantile(histogram, 0.99), longest),
                       std::min(bound_of(last), longest)};
}

std::optional<Sample::Latency> latency_of(const HistogramSnapshot& histogram) {
  const auto p99 = quantile(histogram, 0.99);
  if (!p99) return std::nullopt;
  return Sample::Latency{
      metrics::seconds(histogram.sum) / static_cast<double>(histogram.count()),
      *p99};
}

}  // namespace

std::optional<double> quantile(const HistogramSnapshot& histogram,
                               double share) noexcept {
  const std::uint64_t total = histogram.count();
  if (total == 0) return std::nullopt;
  double rest = static_cast<double>(total) * share;
  std::size_t bucket = 0;
  while (bucket < kLatencyBoundsNs.size() &&
         static_cast<double>(histogram.counts[bucket]) < rest) {
    rest -= static_cast<double>(histogram.counts[bucket]);
    ++bucket;
  }
  if (bucket == kLatencyBoundsNs.size()) return bound_of(bucket);
  const double in_bucket = static_cast<double>(histogram.counts[bucket]);
  const double part = in_bucket > 0 ? rest / in_bucket : 1;
  const auto [from, to] = spread_of(histogram);
  return bound_of(bucket) - width_of(bucket) * (1 - from - (to - from) * part);
}

void History::add(const PoolStats& stats, Duration acquire_timeout,
                  std::uint64_t number, TimePoint now,
                  std::chrono::system_clock::time_point wall) {
  const Before counted = counters(stats, now);
  Sample sample;
  sample.number = number;
  sample.at = wall;
  sample.connections = stats.connections;
  sample.waiting = stats.waiting;
  sample.max_connections = stats.max_connections;
  sample.oldest_waiting = metrics::seconds(stats.oldest_waiting_age);
  if (before_) {
    const double elapsed = metrics::seconds(now - before_->at);
    const auto rate = [elapsed](std::uint64_t after, std::uint64_t before) {
      return elapsed > 0 ? static_cast<double>(after - before) / elapsed : 0;
    };
    sample.acquires = rate(counted.acquires, before_->acquires);
    sample.failures = rate(counted.failures, before_->failures);
    Duration longest = acquire_timeout;
    if (before_->oldest_waiting > longest) {
      longest = before_->oldest_waiting + (now - before_->at);
    }
    sample.waits = waits_of(difference(counted.waits, before_->waits),
                            metrics::seconds(longest));
    for (std::size_t i = 0; i < sample.queries.size(); ++i) {
      sample.queries[i] =
          latency_of(difference(counted.queries[i], before_->queries[i]));
    }
  }
  before_ = counted;
  if (samples_.size() == kHistorySamples) samples_.pop_front();
  samples_.push_back(sample);
}

History::Before History::counters(const PoolStats& stats, TimePoint now) {
  Before counted;
  counted.at = now;
  counted.acquires = stats.acquires;
  counted.failures =
      std::accumulate(stats.acquire_failures.begin(),
                      stats.acquire_failures.end(), std::uint64_t{0});
  counted.oldest_waiting = stats.oldest_waiting_age;
  counted.waits = stats.wait_granted;
  add_to(counted.waits, stats.wait_failed);
  for (const QueryStats& query : stats.queries) {
    add_to(counted.queries[place_of(query.name)], query.duration);
  }
  return counted;
}

std::size_t History::place_of(const std::string& query) {
  const auto found = std::ranges::find(names_, query);
  if (found != names_.end()) {
    return static_cast<std::size_t>(found - names_.begin());
  }
  // The pool's own "other" is more than one query already.
  if (query == "other" || names_.size() == kHistoryQueries) {
    has_other_ = true;
    return kHistoryQueries;
  }
  names_.push_back(query);
  return names_.size() - 1;
}

std::vector<Sample> History::since(std::uint64_t number) const {
  const auto first =
      std::ranges::upper_bound(samples_, number, {}, &Sample::number);
  return {first, samples_.end()};
}

std::vector<std::string> History::query_names() const {
  std::vector<std::string> names = names_;
  if (has_other_) {
    names.resize(kHistoryQueries);
    names.emplace_back("other");
  }
  return names;
}

}  // namespace dbpool::exporter
