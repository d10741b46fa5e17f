// Arrivals: when the requests of an open loop are due. A Poisson process:
// independent exponential gaps, each counted from the last due time and not
// from now, so that a slow server cannot slow its own load down
// (coordinated omission).
//
// Thread-safety: none; the workload's thread owns it. No clock of its own.
#ifndef DBPOOL_EXPORTER_WORKLOAD_ARRIVALS_H_
#define DBPOOL_EXPORTER_WORKLOAD_ARRIVALS_H_

#include <cstdint>
#include <random>

#include "dbpool/options.h"

namespace dbpool::exporter {

class Arrivals {
 public:
  // Nothing is due until set_rate().
  explicit Arrivals(std::uint64_t seed) : random_(seed) {}

  // Changes the average to `per_second` (0: none) from `now` on. What is due
  // by `now` stays due; the gap under way is drawn anew, which a Poisson
  // process allows because it has no memory.
  void set_rate(double per_second, TimePoint now);
  double rate() const noexcept { return rate_; }

  // When the next arrival is due; TimePoint::max() when there is none.
  TimePoint next() const noexcept { return next_; }
  // Takes the next arrival and draws the one after it. Only when next() is
  // not TimePoint::max().
  TimePoint take();

 private:
  Duration gap();

  std::mt19937_64 random_;
  double rate_ = 0;
  TimePoint next_ = TimePoint::max();
};

// How long a client of a closed loop pauses after its n-th failure in a row
// (n >= 1), so that failures that come at once do not spin: a random time
// from [d/2, d], d = 10 ms * 2^(n-1), at most 1 s.
Duration failure_pause(std::uint32_t failures_in_a_row,
                       std::mt19937_64& random);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WORKLOAD_ARRIVALS_H_
