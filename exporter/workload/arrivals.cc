#include "exporter/workload/arrivals.h"

#include <algorithm>
#include <cassert>
#include <chrono>

namespace dbpool::exporter {
namespace {

// Keeps sums of gaps far from the clock's end at absurdly small rates.
constexpr std::chrono::duration<double> kLongestGap = std::chrono::hours(1000);
constexpr Duration kFirstPause = std::chrono::milliseconds(10);
constexpr Duration kLongestPause = std::chrono::seconds(1);

}  // namespace

void Arrivals::set_rate(double per_second, TimePoint now) {
  rate_ = per_second;
  if (next_ <= now) return;
  next_ = rate_ > 0 ? now + gap() : TimePoint::max();
}

TimePoint Arrivals::take() {
  assert(next_ != TimePoint::max());
  const TimePoint due = next_;
  next_ = rate_ > 0 ? due + gap() : TimePoint::max();
  return due;
}

Duration Arrivals::gap() {
  std::exponential_distribution<double> exponential(rate_);
  const std::chrono::duration<double> drawn(exponential(random_));
  return std::chrono::duration_cast<Duration>(std::min(drawn, kLongestGap));
}

Duration failure_pause(std::uint32_t failures_in_a_row,
                       std::mt19937_64& random) {
  constexpr std::uint32_t kMaxDoublings = 7;  // 10 ms * 2^7 > 1 s
  const std::uint32_t doublings =
      std::min(std::max(failures_in_a_row, 1U) - 1, kMaxDoublings);
  const Duration longest =
      std::min(kFirstPause * (1U << doublings), kLongestPause);
  std::uniform_int_distribution<Duration::rep> pause(longest.count() / 2,
                                                     longest.count());
  return Duration(pause(random));
}

}  // namespace dbpool::exporter
