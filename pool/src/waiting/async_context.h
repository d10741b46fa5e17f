// AsyncContext: what the drivers on one execution context have in common: the
// list of them, and one timer for the deadlines of all.
//
// The timer is set for the earliest deadline that was ever expected since it
// last fired, and mostly fires long after the statement has ended: a timer of
// its own for each statement, set and cancelled, took a share of a statement's
// CPU time. While no job is under way it is not set, so that it keeps nobody
// from leaving run().
//
// Lifetime: shared; drivers may outlive the execution context. When that ends
// all of them are told, and nothing of Asio's is left here.
//
// Thread-safety: all functions, from any thread.
#ifndef DBPOOL_POOL_SRC_WAITING_ASYNC_CONTEXT_H_
#define DBPOOL_POOL_SRC_WAITING_ASYNC_CONTEXT_H_

#include <asio/any_io_executor.hpp>
#include <asio/execution/context_as.hpp>
#include <asio/execution_context.hpp>
#include <asio/query.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>

#include "dbpool/options.h"
#include "pool/src/base/fork_generation.h"

namespace dbpool::detail {

class AsyncDriver;

// The execution context that `executor` belongs to.
inline asio::execution_context& context_of(
    const asio::any_io_executor& executor) {
  return asio::query(executor,
                     asio::execution::context_as_t<asio::execution_context&>());
}

class AsyncContext : public std::enable_shared_from_this<AsyncContext> {
 public:
  using Drivers = std::list<std::weak_ptr<AsyncDriver>>;
  using Place = Drivers::iterator;

  // The one of the execution context that `executor` belongs to.
  static std::shared_ptr<AsyncContext> of(
      const asio::any_io_executor& executor);

  explicit AsyncContext(const asio::execution_context& owner)
      : owner_(&owner) {}
  AsyncContext(const AsyncContext&) = delete;
  AsyncContext& operator=(const AsyncContext&) = delete;

  // Only to be compared: it may be gone.
  const asio::execution_context* owner() const noexcept { return owner_; }
  // Runs what it is given on any of the context's threads, in no strand.
  asio::any_io_executor executor() const;

  Place add(std::weak_ptr<AsyncDriver> driver);
  void remove(Place place) noexcept;

  // Between the two, by a driver that is listed and not locked: it is to be
  // stepped at `until`.
  void job_began() noexcept { ++jobs_; }
  void expect(TimePoint until) {
    if (until < armed_.load()) arm_earlier(until);
  }
  void job_ended() noexcept {
    if (--jobs_ == 0) disarm();
  }

 private:
  class Service;

  void shut_down() noexcept;
  void arm_earlier(TimePoint until);
  void disarm() noexcept;
  void on_timer();
  // Under the mutex.
  void arm(TimePoint until);

  const asio::execution_context* const owner_;
  const std::uint64_t fork_generation_ = detail::fork_generation();

  std::atomic<std::size_t> jobs_ = 0;
  mutable std::mutex mutex_;
  // Guarded by mutex_; armed_ is read without it as well. Who expects a time
  // has made it known in its driver before, and who sets armed_ to max() asks
  // all drivers after that; so one of the two sees the other.
  std::atomic<TimePoint> armed_ = TimePoint::max();
  asio::any_io_executor executor_;
  std::optional<asio::steady_timer> timer_;  // nullopt: the context has ended
  Drivers drivers_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_ASYNC_CONTEXT_H_
