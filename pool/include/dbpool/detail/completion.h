// Completion: a completion handler of any type behind one virtual call, with
// its executor, its outstanding work and its cancellation slot. (Asio 1.22
// has no any_completion_handler.)
//
// Ownership: a CompletionPtr is owned by the operation; complete() consumes
// it. Thread-safety: complete() may be called from any thread, once.
#ifndef DBPOOL_DETAIL_COMPLETION_H_
#define DBPOOL_DETAIL_COMPLETION_H_

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/bind_executor.hpp>
#include <asio/dispatch.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/system_executor.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace dbpool::detail {

template <typename Result>
class Completion {
 public:
  virtual ~Completion() = default;
  // Posts the handler with `result` to its executor; never calls it inline.
  virtual void complete(Result result) = 0;
  // For an event of the executor's own context, with nothing of anybody's on
  // the stack: the handler may run inside.
  virtual void complete_in_event(Result result) = 0;
  // Where the handler runs; keeps its context busy until completion.
  virtual const asio::any_io_executor& executor() const noexcept = 0;
  // The slot through which the caller may cancel; may be unconnected.
  virtual asio::cancellation_slot cancellation_slot() const = 0;
};

template <typename Result>
using CompletionPtr = std::unique_ptr<Completion<Result>>;

template <typename Result, typename Handler>
class HandlerCompletion final : public Completion<Result> {
 public:
  explicit HandlerCompletion(Handler handler)
      : handler_(std::move(handler)),
        slot_(asio::get_associated_cancellation_slot(handler_)),
        executor_(asio::prefer(to_any(asio::get_associated_executor(
                                   handler_, asio::system_executor())),
                               asio::execution::outstanding_work_t::tracked)) {}

  void complete(Result result) override {
    auto executor = std::move(executor_);
    asio::post(executor, bound(std::move(result)));
  }
  void complete_in_event(Result result) override {
    auto executor = std::move(executor_);
    asio::dispatch(executor, bound(std::move(result)));
  }

  const asio::any_io_executor& executor() const noexcept override {
    return executor_;
  }
  asio::cancellation_slot cancellation_slot() const override { return slot_; }

 private:
  template <typename Executor>
  static asio::any_io_executor to_any(const Executor& executor) {
    if constexpr (std::is_constructible_v<asio::any_io_executor, Executor>) {
      return asio::any_io_executor(executor);
    } else {
      // That of asio::use_future in Asio 1.22, which wraps this one.
      return asio::any_io_executor(asio::system_executor());
    }
  }

  // The handler may destroy what it was waiting for, so it is taken out.
  auto bound(Result result) {
    return
        [handler = std::move(handler_), moved = std::move(result)]() mutable {
          std::move(handler)(std::move(moved));
        };
  }

  Handler handler_;
  asio::cancellation_slot slot_;
  asio::any_io_executor executor_;
};

template <typename Result, typename Handler>
CompletionPtr<Result> make_completion(Handler handler) {
  return std::make_unique<HandlerCompletion<Result, Handler>>(
      std::move(handler));
}

}  // namespace dbpool::detail

#endif  // DBPOOL_DETAIL_COMPLETION_H_
