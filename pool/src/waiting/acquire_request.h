// AcquireRequest: one acquire on its way through the brain's queue.
//
// From the moment it is submitted until it is finished the brain holds a
// pointer to its waiter. Exactly one party finishes it: who gets it back in
// Effects::finished, or who cancelled or expired it with success.
//
// Thread-safety: the waiter is guarded by the pool's mutex while queued;
// finish() is called by one thread, without any lock.
#ifndef DBPOOL_POOL_SRC_WAITING_ACQUIRE_REQUEST_H_
#define DBPOOL_POOL_SRC_WAITING_ACQUIRE_REQUEST_H_

#include <memory>
#include <optional>
#include <source_location>
#include <utility>

#include "dbpool/lease.h"
#include "dbpool/pool.h"
#include "pool/src/brain/pool_state.h"
#include "pool/src/waiting/parker.h"

namespace dbpool::detail {

class AcquireRequest {
 public:
  AcquireRequest(const AcquireOptions& options, std::source_location where) {
    waiter.tag = options.tag;
    waiter.where = where;
    waiter.owner = this;
  }
  AcquireRequest(const AcquireRequest&) = delete;
  AcquireRequest& operator=(const AcquireRequest&) = delete;

  static AcquireRequest& of(Waiter& waiter) noexcept {
    return *static_cast<AcquireRequest*>(waiter.owner);
  }

  // Hands the result to the caller. The request may be gone afterwards.
  virtual void finish(Expected<Lease> result) noexcept = 0;

  Waiter waiter;
  // The granted connection; set under the mutex, since the table of slots
  // may move after it.
  Connection* connection = nullptr;

 protected:
  ~AcquireRequest() = default;
};

// Lives on the stack of the thread that waits.
class BlockingRequest final : public AcquireRequest {
 public:
  using AcquireRequest::AcquireRequest;

  void finish(Expected<Lease> result) noexcept override {
    // This frame may end as soon as the parker is signalled.
    const std::shared_ptr<Parker> parker = parker_;
    result_.emplace(std::move(result));
    parker->signal();
  }

  // False: the deadline passed and nobody has finished it yet.
  bool wait_until(TimePoint deadline) noexcept {
    return parker_->wait_until(deadline);
  }
  // Somebody is about to finish it.
  void wait() noexcept { parker_->wait(); }
  Expected<Lease> take_result() { return std::move(*result_); }

 private:
  const std::shared_ptr<Parker>& parker_ = Parker::of_this_thread();
  std::optional<Expected<Lease>> result_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_ACQUIRE_REQUEST_H_
