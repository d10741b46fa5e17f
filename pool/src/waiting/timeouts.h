// Timeouts: those that callers' threads read at each request and statement,
// while Pool::reconfigure() may change them.
//
// Thread-safety: all functions, from any thread.
#ifndef DBPOOL_POOL_SRC_WAITING_TIMEOUTS_H_
#define DBPOOL_POOL_SRC_WAITING_TIMEOUTS_H_

#include <atomic>
#include <optional>

#include "dbpool/options.h"

namespace dbpool::detail {

class Timeouts {
 public:
  // Of a connection without a pool.
  Timeouts(std::optional<Duration> statement, Duration cancel_grace) noexcept
      : acquire_(Duration::zero()),
        statement_(statement.value_or(kNone)),
        cancel_grace_(cancel_grace) {}
  explicit Timeouts(const PoolOptions& options) noexcept
      : Timeouts(options.statement_timeout, options.cancel_grace) {
    set(options);
  }

  void set(const PoolOptions& options) noexcept {
    acquire_ = options.acquire_timeout;
    statement_ = options.statement_timeout.value_or(kNone);
    cancel_grace_ = options.cancel_grace;
  }

  Duration acquire() const noexcept { return acquire_; }
  std::optional<Duration> statement() const noexcept {
    const Duration timeout = statement_;
    if (timeout == kNone) return std::nullopt;
    return timeout;
  }
  Duration cancel_grace() const noexcept { return cancel_grace_; }

 private:
  // 292 years.
  static constexpr Duration kNone = Duration::max();

  std::atomic<Duration> acquire_;
  std::atomic<Duration> statement_;
  std::atomic<Duration> cancel_grace_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_TIMEOUTS_H_
