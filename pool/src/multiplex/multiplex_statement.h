// MultiplexStatement: one Pool::async_execute() on its way.
//
// A handler belongs to its execution context: when that is destroyed before
// the statement is answered, the handler is destroyed uncalled, as with Asio's
// own operations, and the statement goes on as one whose caller gave up. For
// that each context has a service (in the .cc) with the list of its
// statements.
//
// Thread-safety: arm() and its inbox's submit() by the initiating function;
// answer() and all that is not constant by the multiplexer's thread.
#ifndef DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_STATEMENT_H_
#define DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_STATEMENT_H_

#include <memory>
#include <mutex>
#include <string>

#include "dbpool/connection.h"
#include "pool/src/brain/job.h"

namespace dbpool::detail {

class MultiplexInbox;
class PendingStatements;

class MultiplexStatement final
    : public std::enable_shared_from_this<MultiplexStatement> {
 public:
  MultiplexStatement(std::shared_ptr<MultiplexInbox> inbox,
                     std::string query_name, std::string sql_text,
                     Params parameters, const ExecuteOptions& execute_options,
                     CompletionPtr<Expected<Rows>> completion);
  static MultiplexStatement& of(Job& job) noexcept {
    return *static_cast<MultiplexStatement*>(job.owner);
  }

  // Before it is submitted: links it to its context and its caller's
  // cancellation slot.
  void arm();
  // Posts the handler, once; drops the result if the context is gone.
  void answer(Expected<Rows> result) noexcept;

  Statement statement() const noexcept { return {name, sql}; }

  // Constant.
  const std::string name;
  const std::string sql;
  const Params params;
  const ExecuteOptions options;

  // The multiplexer's.
  Job job;
  std::shared_ptr<MultiplexStatement> self;  // until it is done
  bool was_cancelled_first = false;          // before it came in

 private:
  friend class PendingStatements;
  // The statements of one context; shared, as they may outlive it.
  struct List {
    std::mutex mutex;
    MultiplexStatement* first = nullptr;
  };

  void link() noexcept;
  void unlink() noexcept;

  const std::shared_ptr<MultiplexInbox> inbox_;
  std::shared_ptr<List> list_;  // constant after arm()

  // Guarded by list_->mutex.
  CompletionPtr<Expected<Rows>> completion_;  // null: the context is gone
  MultiplexStatement* before_ = nullptr;
  MultiplexStatement* after_ = nullptr;
};

using MultiplexStatementPtr = std::shared_ptr<MultiplexStatement>;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_STATEMENT_H_
