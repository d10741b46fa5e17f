// Arithmetic on the clock that stops at its ends instead of overflowing: a
// timeout may be as long as its type allows.
#ifndef DBPOOL_POOL_SRC_WAITING_SATURATING_TIME_H_
#define DBPOOL_POOL_SRC_WAITING_SATURATING_TIME_H_

#include "dbpool/options.h"

namespace dbpool::detail {

// `start` + `span`, at most TimePoint::max(). `span` must not be negative.
constexpr TimePoint saturating_add(TimePoint start, Duration span) noexcept {
  if (start.time_since_epoch() > Duration::max() - span) {
    return TimePoint::max();
  }
  return start + span;
}

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_SATURATING_TIME_H_
