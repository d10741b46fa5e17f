// AsyncRequest: an acquire whose caller is a completion handler.
//
// Lives on the heap and, while the brain may point to it, owns itself.
//
// A handler belongs to its execution context: when that is destroyed with
// requests still queued, they leave the queue and their handlers are
// destroyed uncalled, as with Asio's own operations. For that each context
// has a service (in the .cc) with the list of its requests.
//
// Thread-safety: finish() from any thread, once; the rest from the
// initiating function.
#ifndef DBPOOL_POOL_SRC_WAITING_ASYNC_ACQUIRE_H_
#define DBPOOL_POOL_SRC_WAITING_ASYNC_ACQUIRE_H_

#include <memory>
#include <mutex>
#include <source_location>

#include "pool/src/waiting/acquire_request.h"

namespace dbpool::detail {

class PendingAcquires;

class AsyncRequest final : public AcquireRequest,
                           public std::enable_shared_from_this<AsyncRequest> {
 public:
  AsyncRequest(std::shared_ptr<PoolCore> core, const AcquireOptions& options,
               std::source_location where,
               CompletionPtr<Expected<Lease>> completion);

  // Before it is submitted: links it to its context and its caller's
  // cancellation slot.
  void arm();
  // Posts the handler; drops the result if the context is gone.
  void finish(Expected<Lease> result) noexcept override;

 private:
  friend class PendingAcquires;
  // The requests of one context; shared, as requests may outlive it.
  struct List {
    std::mutex mutex;
    AsyncRequest* first = nullptr;
  };

  void link() noexcept;
  void unlink() noexcept;

  const std::shared_ptr<PoolCore> core_;
  std::shared_ptr<List> list_;          // constant after arm()
  std::shared_ptr<AsyncRequest> self_;  // until it is finished

  // Guarded by list_->mutex.
  CompletionPtr<Expected<Lease>> completion_;  // null: the context is gone
  AsyncRequest* before_ = nullptr;
  AsyncRequest* after_ = nullptr;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_WAITING_ASYNC_ACQUIRE_H_
