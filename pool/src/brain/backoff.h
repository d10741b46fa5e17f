// Backoff: when the next opening may begin after one has failed.
//
// After the n-th failure in a row the next try waits a random time from
// [d/2, d], d = min(max, initial * 2^(n-1)): exponential backoff with "equal
// jitter" (Brooker, AWS Architecture Blog, 2015), so that a fleet of pools
// does not knock in step, yet none knocks at once. A try that hangs holds up
// the next one for d at most, from its begin: who waited for its end would
// find a network that healed only then.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_BRAIN_BACKOFF_H_
#define DBPOOL_POOL_SRC_BRAIN_BACKOFF_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "dbpool/options.h"
#include "pool/src/brain/jitter.h"
#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {

class Backoff {
 public:
  // 0 < initial <= max.
  Backoff(Duration initial, Duration max) noexcept
      : initial_(initial), max_(max) {}

  // A try that has lasted for so long hangs.
  static constexpr Duration kHung = std::chrono::milliseconds(200);

  // From now on so, as above; a wait under way does not outlast the new one.
  void set_range(Duration initial, Duration max, TimePoint now) noexcept {
    initial_ = initial;
    max_ = max;
    const Duration longest = std::max(longest_wait(), kHung);
    retry_at_ = std::min(retry_at_, saturating_add(now, longest));
  }

  // A try begins.
  void begun(TimePoint now) noexcept {
    begun_at_ = now;
    if (failures_ == 0) return;
    retry_at_ = saturating_add(now, std::max(longest_wait(), kHung));
  }
  // The try of `begun_at` failed; none is to begin before `earliest`. Returns
  // how long the next one waits from `now` on.
  Duration failed(TimePoint begun_at, TimePoint earliest, TimePoint now,
                  Jitter& jitter) noexcept {
    if (failures_ < UINT32_MAX) ++failures_;
    const Duration longest = longest_wait();
    const Duration wait = jitter.between(longest / 2, longest);
    // After the first failure, of those under way the latest decides.
    if (failures_ == 1 || begun_at >= begun_at_) {
      const TimePoint from = now - begun_at < kHung ? now : begun_at;
      retry_at_ = std::max(saturating_add(from, wait), earliest);
    }
    return std::max(retry_at_ - now, Duration::zero());
  }
  // A try succeeded, or the tries to come are of something else.
  void reset() noexcept {
    failures_ = 0;
    retry_at_ = TimePoint::min();
  }

  std::uint32_t failures_in_a_row() const noexcept { return failures_; }
  // TimePoint::min() unless the last try failed.
  TimePoint retry_at() const noexcept { return retry_at_; }
  bool holds(TimePoint now) const noexcept { return now < retry_at_; }

 private:
  Duration longest_wait() const noexcept {
    Duration wait = initial_;
    for (std::uint32_t n = 1; n < failures_; ++n) {
      if (wait > max_ / 2) return max_;
      wait *= 2;
    }
    return wait;
  }

  Duration initial_;
  Duration max_;

  std::uint32_t failures_ = 0;
  TimePoint begun_at_ = TimePoint::min();  // the latest try
  TimePoint retry_at_ = TimePoint::min();
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_BACKOFF_H_
