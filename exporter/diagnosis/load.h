// Load: what was asked of a pool within a stretch of time, and how it went.
//
// Thread-safety: plain values and pure functions; LoadHistory belongs to one
// thread.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_LOAD_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_LOAD_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"

namespace dbpool::exporter {

// The objective that waits are held against, here and in the sizing: no more
// than kMaySlow of the acquires wait for longer than kGoodWait.
inline constexpr Duration kGoodWait = std::chrono::milliseconds(100);
inline constexpr double kMaySlow = 0.01;

// What a pool had counted at an instant.
struct LoadSample {
  TimePoint at = {};
  std::uint64_t arrivals = 0;  // requests that came, those that wait included
  std::uint64_t acquires = 0;  // that ended
  std::uint64_t slow = 0;      // of them: waited for longer than kGoodWait, or
                               // failed for capacity or a slow opening
  std::array<std::uint64_t, kAcquireFailureCount> failures = {};
  std::uint64_t granted = 0;
  std::uint64_t leases = 0;  // that ended
  Duration lease_time{0};    // the sum of their durations
  double lease_squares = 0;  // and of its squares, in s²
  Duration active_time{0};   // integral of leases that are out
  std::array<Duration, kWaitReasonCount> waiting_time = {};
  std::uint64_t statements = 0;
  Duration statement_time{0};
};

// `stats` with its queries.
LoadSample sample_of(const PoolStats& stats, TimePoint at);

struct Load {
  Duration during{0};  // 0: nothing is known, and nothing below
  std::uint64_t arrivals = 0;
  std::uint64_t acquires = 0;
  std::uint64_t slow = 0;
  std::array<std::uint64_t, kAcquireFailureCount> failures = {};
  std::array<double, kWaitReasonCount> waiting = {};  // mean numbers
  std::uint64_t granted = 0;
  // How long a lease is held; nullopt: none was granted. The mean of those
  // that ended; while none has, that of Little's law, from those still out.
  std::optional<Duration> mean_hold;
  // The squared coefficient of variation (variance by squared mean) of those
  // that ended; 1, that of the exponential distribution, below 30 of them.
  double hold_variation = 1;
  std::uint64_t statements = 0;  // that ended
  Duration statement_time{0};    // the sum of their durations
  std::optional<Duration> mean_statement;
  Duration held{0};  // integral of leases that were out

  double arrivals_per_second() const;
  // The connections that would be busy on average if nobody ever waited:
  // arrival rate × mean hold (Little, "A proof for the queuing formula
  // L = λW", 1961).
  std::optional<double> offered() const;
  bool misses_objective() const {
    return static_cast<double>(slow) > kMaySlow * static_cast<double>(acquires);
  }
};

Load load_between(const LoadSample& before, const LoadSample& after);

// Samples of the last minute, each second, and of the last hour, each minute.
class LoadHistory {
 public:
  // Leaves the baseline alone, and of the rest only the last sample.
  void forget_lately();
  void add(const LoadSample& sample);

  // From the newest sample that is at least `during` older than the last one,
  // else from the oldest, up to the last one.
  Load last(Duration during) const;

  // What is usual: the last hour but its last minute; nullopt while that is
  // less than kShortestBaseline.
  std::optional<Load> baseline() const;

  static constexpr Duration kShortestBaseline = std::chrono::minutes(5);

 private:
  std::deque<LoadSample> seconds_;  // the oldest first
  std::deque<LoadSample> minutes_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_LOAD_H_
