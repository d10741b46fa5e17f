// The part of PoolCore that multiplexed statements go through.
#include <exception>
#include <utility>

#include "pool/src/multiplex/multiplexer.h"
#include "pool/src/pool_core.h"
#include "pool/src/session/statement_error.h"

namespace dbpool::detail {

void PoolCore::start_multiplexer() {
  if (setup()->options.pipeline_depth < 2) return;
  try {
    multiplexer_ = std::make_shared<Multiplexer>(*this);
    multiplexer_->start(shared_from_this());
  } catch (const std::exception&) {
    multiplexer_.reset();
    shut_down();  // the housekeeper runs already
    throw;
  }
}

void PoolCore::start_execute(std::string name, std::string sql, Params params,
                             const ExecuteOptions& options,
                             CompletionPtr<Expected<Rows>> completion) {
  if (forked()) {
    return completion->complete(Unexpected(forked_error(name_)));
  }
  if (!multiplexer_) {
    return completion->complete(Unexpected(
        usage_error("async_execute() of a pool needs PoolOptions::"
                    "pipeline_depth to be 2 or more; it is " +
                    std::to_string(setup()->options.pipeline_depth))));
  }
  multiplexer_->execute(std::move(name), std::move(sql), std::move(params),
                        options, std::move(completion));
}

void PoolCore::request_lease(AcquireRequest& request) {
  switch (submit(request, std::nullopt)) {
    case Waiter::State::kGranted:
      return request.finish(make_lease(request));
    case Waiter::State::kFailed:
      return request.finish(Unexpected(failure_of(request)));
    default:
      return;  // queued, and perhaps finished already
  }
}

PoolRoom PoolCore::room() const noexcept {
  const std::lock_guard lock(mutex_);
  return state_.room();
}

Error PoolCore::refusal(AcquireFailure failure) const {
  return acquire_error(failure, facts());
}

AcquireFailure PoolCore::timeout_now() const {
  const AcquireFacts now = facts();
  const auto waits = [&](WaitReason reason) {
    return now.stats.waiting[static_cast<std::size_t>(reason)] > 0;
  };
  if (waits(WaitReason::kBackendDown)) {
    return AcquireFailure::kTimeoutBackendDown;
  }
  if (waits(WaitReason::kServerSlots)) return AcquireFailure::kServerSlots;
  return waits(WaitReason::kOpening) ? AcquireFailure::kTimeoutOpening
                                     : AcquireFailure::kTimeoutCapacity;
}

}  // namespace dbpool::detail
