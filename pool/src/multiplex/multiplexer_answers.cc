// The part of Multiplexer that words the answers without a result.
#include <utility>

#include "pool/src/multiplex/multiplexer.h"
#include "pool/src/pool_core.h"
#include "pool/src/session/statement_error.h"
#include "pool/src/session/statement_report.h"

namespace dbpool::detail {

void Multiplexer::answer(const MultiplexAction& action) {
  MultiplexStatement& statement = MultiplexStatement::of(*action.job);
  MultiplexStatementPtr done;
  if (action.done) done = std::move(statement.self);
  Error error = error_of(action);
  const bool was_sent = action.end == JobEnd::kLost ||
                        action.end == JobEnd::kHungUp || !action.done;
  if (was_sent) report(statement, &error);
  statement.answer(Unexpected(std::move(error)));
}

Error Multiplexer::error_of(const MultiplexAction& action) {
  const MultiplexStatement& statement = MultiplexStatement::of(*action.job);
  switch (action.end) {
    case JobEnd::kTimeout:
      return statement_error(
          StatementFailure::kTimeout, Outcome::kInDoubt,
          "statement timeout (" + milliseconds(*action.job->timeout) +
              "): it runs on, on a connection that is shared, and its result "
              "will be discarded");
    case JobEnd::kCancelled: {
      Error error;
      error.kind = ErrorKind::kCancelled;
      error.outcome = action.done ? Outcome::kNotSent : Outcome::kInDoubt;
      error.message =
          action.done
              ? "the caller cancelled the statement: not sent"
              : "the caller cancelled the statement: it runs on, on a "
                "connection that is shared, and its result will be discarded";
      return error;
    }
    case JobEnd::kLost:
      return carriers_[action.carrier]->loss(statement, action.was_head);
    case JobEnd::kHungUp:
      return statement_error(
          StatementFailure::kConnectionLost, Outcome::kInDoubt,
          "the connection was closed because a statement before this one did "
          "not end within its timeout and cancel_grace");
    case JobEnd::kNoLease:
      return *no_lease_;
    case JobEnd::kWaitTimeout:
    case JobEnd::kQueueFull:
    case JobEnd::kClosed:
      break;
  }
  return refusal_of(action.end);
}

// Many may fail at once and for one reason: word it once.
Error Multiplexer::refusal_of(JobEnd end) {
  AcquireFailure failure = AcquireFailure::kClosed;
  std::size_t place = 0;
  if (end == JobEnd::kQueueFull) {
    failure = AcquireFailure::kQueueFull;
    place = 1;
  } else if (end == JobEnd::kWaitTimeout) {
    failure = AcquireFailure::kTimeoutCapacity;
    place = 2;
  }
  auto& error = refusals_[place];
  if (!error) {
    const bool is_late = end == JobEnd::kWaitTimeout && brain_.is_acquiring();
    error = core_.refusal(is_late ? core_.timeout_now() : failure);
  }
  return *error;
}

void Multiplexer::report(const MultiplexStatement& statement,
                         const Error* error) const {
  report_statement(*context_, statement.statement(), statement.params,
                   Clock::now() - statement.job.sent_at, error);
}

}  // namespace dbpool::detail
