#include "pool/src/waiting/async_acquire.h"

#include <asio/cancellation_type.hpp>
#include <asio/execution/context_as.hpp>
#include <asio/execution_context.hpp>
#include <asio/query.hpp>
#include <utility>
#include <vector>

#include "pool/src/pool_core.h"

namespace dbpool::detail {

// Part of every execution context on which somebody waited for a lease.
class PendingAcquires final : public asio::execution_context::service {
 public:
  static asio::execution_context::id id;
  explicit PendingAcquires(asio::execution_context& context)
      : service(context) {}

  const std::shared_ptr<AsyncRequest::List>& list() const noexcept {
    return list_;
  }

 private:
  void shutdown() noexcept override;

  const std::shared_ptr<AsyncRequest::List> list_ =
      std::make_shared<AsyncRequest::List>();
};

asio::execution_context::id PendingAcquires::id;

void PendingAcquires::shutdown() noexcept {
  std::vector<std::shared_ptr<AsyncRequest>> requests;
  std::vector<CompletionPtr<Expected<Lease>>> dropped;
  {
    const std::lock_guard lock(list_->mutex);
    while (list_->first != nullptr) {
      AsyncRequest& request = *list_->first;
      requests.push_back(request.shared_from_this());
      dropped.push_back(std::move(request.completion_));
      request.unlink();
    }
  }
  // One that is granted at this moment gives its lease back by itself.
  for (const auto& request : requests) request->core_->cancel(*request);
}

AsyncRequest::AsyncRequest(std::shared_ptr<PoolCore> core,
                           const AcquireOptions& options,
                           std::source_location where,
                           CompletionPtr<Expected<Lease>> completion)
    : AcquireRequest(options, where),
      core_(std::move(core)),
      completion_(std::move(completion)) {}

void AsyncRequest::arm() {
  self_ = shared_from_this();
  // Before the request is queued: afterwards its handler may run, and the
  // slot belong to the next operation. A signal that comes after the end
  // finds no request.
  asio::cancellation_slot slot = completion_->cancellation_slot();
  if (slot.is_connected()) {
    slot.assign([weak = weak_from_this()](asio::cancellation_type) {
      if (const auto self = weak.lock()) self->core_->cancel(*self);
    });
  }
  const asio::any_io_executor executor = completion_->executor();
  list_ = asio::use_service<PendingAcquires>(
              asio::query(
                  executor,
                  asio::execution::context_as_t<asio::execution_context&>()))
              .list();
  // A connection that stays on its loop wakes no other one, and stays
  // registered where it is.
  waiter.home = reinterpret_cast<std::uintptr_t>(list_.get());
  link();
}

void AsyncRequest::link() noexcept {
  const std::lock_guard lock(list_->mutex);
  after_ = list_->first;
  if (after_ != nullptr) after_->before_ = this;
  list_->first = this;
}

void AsyncRequest::unlink() noexcept {
  if (after_ != nullptr) after_->before_ = before_;
  (before_ != nullptr ? before_->after_ : list_->first) = after_;
}

void AsyncRequest::finish(Expected<Lease> result) noexcept {
  const std::shared_ptr<AsyncRequest> self = std::move(self_);
  // Handler and, unless it is passed on, lease are destroyed after unlocking.
  CompletionPtr<Expected<Lease>> completion;
  const std::lock_guard lock(list_->mutex);
  completion = std::move(completion_);
  if (!completion) return;
  unlink();
  // Under the lock, so that the context cannot end in between. Posting runs
  // no code of the caller's.
  completion->complete(std::move(result));
}

void PoolCore::start_acquire(const AcquireOptions& options,
                             std::source_location where,
                             CompletionPtr<Expected<Lease>> completion) {
  if (forked()) {
    completion->complete(Unexpected(forked_error(name_)));
    return;
  }
  const auto request = std::make_shared<AsyncRequest>(
      shared_from_this(), options, where, std::move(completion));
  request->arm();
  switch (submit(*request, options.deadline)) {
    case Waiter::State::kGranted:
      request->finish(make_lease(*request));
      return;
    case Waiter::State::kFailed:
      request->finish(Unexpected(failure_of(*request)));
      return;
    default:
      return;  // queued, and perhaps finished already
  }
}

}  // namespace dbpool::detail
