// The asynchronous way into the queue.
#include <asio/cancellation_type.hpp>
#include <memory>
#include <utility>

#include "pool/src/pool_core.h"

namespace dbpool::detail {

// Lives on the heap and, while it is queued, owns itself: the brain holds a
// plain pointer to it, and who finishes it ends that.
class AsyncRequest final : public AcquireRequest {
 public:
  AsyncRequest(const AcquireOptions& options, std::source_location where,
               CompletionPtr<Expected<Lease>> completion)
      : AcquireRequest(options, where), completion_(std::move(completion)) {}

  static void own_itself(std::shared_ptr<AsyncRequest> request) noexcept {
    AsyncRequest& self = *request;
    self.self_ = std::move(request);
  }

  void finish(Expected<Lease> result) noexcept override {
    const std::shared_ptr<AsyncRequest> self = std::move(self_);
    completion_->complete(std::move(result));
  }

 private:
  const CompletionPtr<Expected<Lease>> completion_;
  std::shared_ptr<AsyncRequest> self_;
};

void PoolCore::start_acquire(const AcquireOptions& options,
                             std::source_location where,
                             CompletionPtr<Expected<Lease>> completion) {
  if (forked()) {
    completion->complete(Unexpected(forked_error(options_.name)));
    return;
  }
  asio::cancellation_slot slot = completion->cancellation_slot();
  auto request =
      std::make_shared<AsyncRequest>(options, where, std::move(completion));
  if (slot.is_connected()) {
    // Before the request is queued: afterwards its completion may run, and
    // the slot belong to the next operation. A signal that comes after the
    // end finds no request.
    slot.assign([core = weak_from_this(),
                 weak = std::weak_ptr(request)](asio::cancellation_type) {
      const auto live_core = core.lock();
      const auto live = weak.lock();
      if (live_core && live) live_core->cancel(*live);
    });
  }
  AsyncRequest& reference = *request;
  AsyncRequest::own_itself(std::move(request));
  switch (submit(reference, options.deadline)) {
    case Waiter::State::kGranted:
      reference.finish(make_lease(reference));
      return;
    case Waiter::State::kFailed:
      reference.finish(Unexpected(failure_of(reference)));
      return;
    default:
      return;  // queued: it may be finished and gone already
  }
}

}  // namespace dbpool::detail
