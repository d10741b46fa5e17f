// TimeIntegral: the integral of a count over time, in exact nanoseconds.
//
// 2^63 ns are 292 years: 10'000 connections reach that in eleven days. The
// integral then starts again at 0, which readers of counters know how to
// handle; to stop would look like an idle pool for ever.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_BRAIN_TIME_INTEGRAL_H_
#define DBPOOL_POOL_SRC_BRAIN_TIME_INTEGRAL_H_

#include <chrono>
#include <cstdint>

namespace dbpool::detail {

class TimeIntegral {
 public:
  // `count` held for `span`, which must not be negative.
  void add(std::uint32_t count, std::chrono::nanoseconds span) noexcept {
    if (count == 0) return;  // the usual case, and it saves the multiplication
    std::int64_t product = 0;
    std::int64_t sum = 0;
    const bool overflow =
        __builtin_mul_overflow(std::int64_t{count}, span.count(), &product) ||
        __builtin_add_overflow(total_.count(), product, &sum);
    total_ = std::chrono::nanoseconds(overflow ? 0 : sum);
  }

  std::chrono::nanoseconds total() const noexcept { return total_; }

 private:
  std::chrono::nanoseconds total_{0};
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_TIME_INTEGRAL_H_
