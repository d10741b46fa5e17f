#include "pool/src/multiplex/multiplex_statement.h"

#include <asio/cancellation_type.hpp>
#include <asio/execution/context_as.hpp>
#include <asio/execution_context.hpp>
#include <asio/query.hpp>
#include <utility>
#include <vector>

#include "pool/src/multiplex/multiplex_inbox.h"

namespace dbpool::detail {

// Part of every execution context from which somebody runs statements.
class PendingStatements final : public asio::execution_context::service {
 public:
  static asio::execution_context::id id;
  explicit PendingStatements(asio::execution_context& context)
      : service(context) {}

  const std::shared_ptr<MultiplexStatement::List>& list() const noexcept {
    return list_;
  }

 private:
  void shutdown() noexcept override;

  const std::shared_ptr<MultiplexStatement::List> list_ =
      std::make_shared<MultiplexStatement::List>();
};

asio::execution_context::id PendingStatements::id;

void PendingStatements::shutdown() noexcept {
  std::vector<MultiplexStatementPtr> statements;
  std::vector<CompletionPtr<Expected<Rows>>> dropped;
  {
    const std::lock_guard lock(list_->mutex);
    while (list_->first != nullptr) {
      MultiplexStatement& statement = *list_->first;
      statements.push_back(statement.shared_from_this());
      dropped.push_back(std::move(statement.completion_));
      statement.unlink();
    }
  }
  for (auto& statement : statements) {
    MultiplexInbox& inbox = *statement->inbox_;
    inbox.cancel(std::move(statement));
  }
}

MultiplexStatement::MultiplexStatement(std::shared_ptr<MultiplexInbox> inbox,
                                       std::string query_name,
                                       std::string sql_text, Params parameters,
                                       const ExecuteOptions& execute_options,
                                       CompletionPtr<Expected<Rows>> completion)
    : name(std::move(query_name)),
      sql(std::move(sql_text)),
      params(std::move(parameters)),
      options(execute_options),
      inbox_(std::move(inbox)),
      completion_(std::move(completion)) {
  job.owner = this;
}

void MultiplexStatement::arm() {
  // As in AsyncRequest::arm(): a signal that comes after the end finds no
  // statement, or one that is answered.
  asio::cancellation_slot slot = completion_->cancellation_slot();
  if (slot.is_connected()) {
    slot.assign([weak = weak_from_this()](asio::cancellation_type) {
      auto statement = weak.lock();
      if (!statement) return;
      MultiplexInbox& inbox = *statement->inbox_;
      inbox.cancel(std::move(statement));
    });
  }
  const asio::any_io_executor executor = completion_->executor();
  list_ = asio::use_service<PendingStatements>(
              asio::query(
                  executor,
                  asio::execution::context_as_t<asio::execution_context&>()))
              .list();
  link();
}

void MultiplexStatement::link() noexcept {
  const std::lock_guard lock(list_->mutex);
  after_ = list_->first;
  if (after_ != nullptr) after_->before_ = this;
  list_->first = this;
}

void MultiplexStatement::unlink() noexcept {
  if (after_ != nullptr) after_->before_ = before_;
  (before_ != nullptr ? before_->after_ : list_->first) = after_;
}

void MultiplexStatement::answer(Expected<Rows> result) noexcept {
  CompletionPtr<Expected<Rows>> completion;
  const std::lock_guard lock(list_->mutex);
  completion = std::move(completion_);
  if (!completion) return;
  unlink();
  // Under the lock, so that the context cannot end in between. Posting runs
  // no code of the caller's.
  completion->complete(std::move(result));
}

}  // namespace dbpool::detail
