// Jitter: small reproducible pseudo-random numbers. Not for secrets.
//
// The generator is SplitMix64 (Steele, Lea, Flood 2014): one word of state,
// the same numbers on every platform, unlike std::uniform_real_distribution.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_BRAIN_JITTER_H_
#define DBPOOL_POOL_SRC_BRAIN_JITTER_H_

#include <cstdint>

#include "dbpool/options.h"

namespace dbpool::detail {

class Jitter {
 public:
  explicit Jitter(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // Evenly spread over [low, high]; 0 <= low <= high.
  Duration between(Duration low, Duration high) noexcept {
    // 53 bits fill a double; the remainder is less than a nanosecond for
    // spans up to a hundred days.
    const double unit = static_cast<double>(next() >> 11) * 0x1.0p-53;
    const double span = static_cast<double>((high - low).count()) * unit;
    return low + Duration(static_cast<Duration::rep>(span));
  }

 private:
  std::uint64_t state_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_JITTER_H_
