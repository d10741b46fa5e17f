// History: what a pool was like in each of the last seconds, so that a page
// opened after an incident still shows it.
//
// Thread-safety: none.
#ifndef DBPOOL_EXPORTER_LIVE_HISTORY_H_
#define DBPOOL_EXPORTER_LIVE_HISTORY_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "dbpool/options.h"
#include "dbpool/stats.h"

namespace dbpool::exporter {

inline constexpr Duration kHistoryInterval = std::chrono::seconds(1);
inline constexpr std::size_t kHistorySamples = 15 * 60;
// Query names with a line of their own: the first that are seen. The rest
// folds into one more, "other".
inline constexpr std::size_t kHistoryQueries = 8;

// Durations in seconds, rates in a second; about what ended, since the sample
// before.
struct Sample {
  struct Waits {
    double p50 = 0, p99 = 0;
    double longest = 0;  // a bound: its bucket's, or the deadline
  };
  struct Latency {
    double mean = 0, p99 = 0;
  };

  std::uint64_t number = 0;
  std::chrono::system_clock::time_point at;
  std::array<std::uint32_t, kConnectionStateCount> connections = {};
  std::array<std::uint32_t, kWaitReasonCount> waiting = {};
  std::uint32_t max_connections = 0;
  double oldest_waiting = 0;
  double acquires = 0, failures = 0;
  std::optional<Waits> waits;  // failed ones included; nullopt: none ended
  std::array<std::optional<Latency>, kHistoryQueries + 1> queries = {};
};

// Takes 400 bytes a sample, 360 kB for all.
class History {
 public:
  // `number` and `now` grow from call to call. No caller of the pool has a
  // deadline beyond `acquire_timeout`, so no wait is told as longer, unless one
  // was seen that began under another timeout.
  void add(const PoolStats& stats, Duration acquire_timeout,
           std::uint64_t number, TimePoint now,
           std::chrono::system_clock::time_point wall);

  // Those with a greater number, the oldest first.
  std::vector<Sample> since(std::uint64_t number) const;

  // Of Sample::queries, as far as there are any; "" for a place that nobody has
  // yet.
  std::vector<std::string> query_names() const;

 private:
  // What the counters said at the last sample.
  struct Before {
    TimePoint at;
    std::uint64_t acquires = 0, failures = 0;
    Duration oldest_waiting{0};
    HistogramSnapshot waits;
    std::array<HistogramSnapshot, kHistoryQueries + 1> queries = {};
  };

  Before counters(const PoolStats& stats, TimePoint now);
  std::size_t place_of(const std::string& query);

  std::deque<Sample> samples_;  // the oldest first
  std::vector<std::string> names_;
  bool has_other_ = false;
  std::optional<Before> before_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LIVE_HISTORY_H_
