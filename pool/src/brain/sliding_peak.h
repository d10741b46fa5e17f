// SlidingPeak: the highest level within the last 60 seconds, in fixed memory.
//
// A level counts for as long as it lasts: the queue that has stood at 7 for
// an hour has a peak of 7. The window is cut in whole seconds, so it reaches
// back 60 to 61 seconds.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_BRAIN_SLIDING_PEAK_H_
#define DBPOOL_POOL_SRC_BRAIN_SLIDING_PEAK_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "dbpool/options.h"

namespace dbpool::detail {

class SlidingPeak {
 public:
  explicit SlidingPeak(TimePoint now) noexcept : start_(now) {}

  // The level is `level` from `now` on; `now` never falls.
  void set(std::uint32_t level, TimePoint now) noexcept {
    const std::int64_t second = second_of(now);
    // The level so far lasted up to and into this second.
    const std::int64_t first = std::max(second_ + 1, second - kWindow);
    for (std::int64_t s = first; s <= second; ++s) bucket(s) = level_;
    second_ = second;
    level_ = level;
    bucket(second) = std::max(bucket(second), level);
  }

  std::uint32_t peak(TimePoint now) const noexcept {
    const std::int64_t second = second_of(now);
    std::uint32_t highest = level_;
    for (std::int64_t s = second - kWindow; s <= second_; ++s) {
      highest = std::max(highest, bucket(s));
    }
    return highest;
  }

 private:
  static constexpr std::int64_t kWindow = 60;

  // Seconds count from kWindow, so that the window never reaches below 0.
  std::int64_t second_of(TimePoint now) const noexcept {
    using std::chrono::seconds;
    return kWindow + std::chrono::duration_cast<seconds>(now - start_).count();
  }
  static std::size_t index(std::int64_t second) noexcept {
    return static_cast<std::size_t>(second % (kWindow + 1));
  }
  std::uint32_t& bucket(std::int64_t second) noexcept {
    return buckets_[index(second)];
  }
  std::uint32_t bucket(std::int64_t second) const noexcept {
    return buckets_[index(second)];
  }

  TimePoint start_;
  std::int64_t second_ = kWindow;  // of the last set()
  std::uint32_t level_ = 0;
  std::array<std::uint32_t, kWindow + 1> buckets_ = {};
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_SLIDING_PEAK_H_
