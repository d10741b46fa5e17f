#include "exporter/live/history.h"

#include <algorithm>
#include <numeric>

#include "exporter/metrics/metric_sink.h"
#include "exporter/metrics/quantile.h"

namespace dbpool::exporter {

namespace {

static_assert(sizeof(Sample) <= 400);

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
