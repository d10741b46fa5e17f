#include <algorithm>
#include <cassert>
#include <utility>

#include "pool/src/session/exchange_impl.h"
#include "pool/src/session/statement_error.h"
#include "pool/src/session/statement_report.h"
#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

// A cancel that comes before the server has begun with the statement does
// nothing, so it is sent again while the statement goes on.
constexpr Duration kCancelAgainAfter = std::chrono::milliseconds(100);
// How often a cancel is looked at that has no descriptor to wait on.
constexpr Duration kTicketInterval = std::chrono::milliseconds(5);

}  // namespace

// --- Cancelling --------------------------------------------------------------

void Exchange::Impl::notice_cause() noexcept {
  if (cause_ != Cause::kNone) return;
  if (cancel_wanted_) {
    cause_ = Cause::kCaller;
  } else if (now_ >= deadline_) {
    cause_ = Cause::kTimeout;
  }
}

// For a statement that is on the wire.
void Exchange::Impl::look_at_cancel() {
  notice_cause();
  if (cause_ == Cause::kNone) return;
  if (give_up_at_ == TimePoint::max()) {  // the first time
    give_up_at_ =
        saturating_add(now_, session_.context().timeouts->cancel_grace());
  } else if (now_ >= give_up_at_) {
    return give_up();
  } else if (now_ < cancel_again_at_ || !session_.cancel_ticket()->done()) {
    return;
  }
  session_.set_cancel_ticket(detail::request_cancel(session_.pg()));
  cancel_again_at_ = saturating_add(now_, kCancelAgainAfter);
}

// Too late, or no longer wanted, before the statement itself is sent.
bool Exchange::Impl::stopped_between() {
  notice_cause();
  if (cause_ == Cause::kNone) return false;
  fail(stop_error(Outcome::kNotSent, "not sent"));
  return true;
}

void Exchange::Impl::give_up() {
  session_.mark_broken();
  fail(
      stop_error(phase_ == Phase::kRun ? Outcome::kInDoubt : Outcome::kNotSent,
                 "the server did not react to its cancel within " +
                     milliseconds(session_.context().timeouts->cancel_grace()) +
                     ": the connection will be closed"));
}

void Exchange::Impl::abandon() {
  if (on_wire()) {
    cause_ = Cause::kCaller;
    session_.set_cancel_ticket(detail::request_cancel(session_.pg()));
    fail(stop_error(
        phase_ == Phase::kRun ? Outcome::kInDoubt : Outcome::kNotSent,
        "the connection will be closed"));
  }
  session_.hang_up();
}

Wait Exchange::Impl::wire_wait() const {
  Wait wait = pump_.wait();
  wait.until = cause_ == Cause::kNone ? deadline_
                                      : std::min(cancel_again_at_, give_up_at_);
  return wait;
}

// A cancel that has not returned could still hit the next statement.
std::optional<Wait> Exchange::Impl::settle() {
  const auto ticket = session_.cancel_ticket();
  if (ticket && !ticket->done() && !session_.broken()) {
    if (now_ < give_up_at_) {
      const TimePoint soon = saturating_add(now_, kTicketInterval);
      return Wait{.fd = ticket->fd(),
                  .readable = true,
                  .until = ticket->fd() < 0 ? std::min(soon, give_up_at_)
                                            : give_up_at_};
    }
    session_.mark_broken();
  }
  if (!session_.broken()) session_.set_cancel_ticket(nullptr);
  session_.set_busy(false);
  session_.activity()->end(session_.transaction_status(), now_);
  finished_at_ = now_;
  phase_ = Phase::kDone;
  return std::nullopt;
}

// --- Results -----------------------------------------------------------------

void Exchange::Impl::fail(Error error) {
  error_ = std::move(error);
  result_.reset();
  phase_ = Phase::kSettle;
}

void Exchange::Impl::fail_by_server(const PGresult* result) {
  const auto sqlstate = result == nullptr ? "" : sqlstate_of(result);
  if (sqlstate.empty()) {  // libpq's own error: out of memory, out of sync
    session_.mark_broken();
    return fail_as_lost();
  }
  if (should_retire(session_.pg(), sqlstate)) session_.mark_retire();
  if (sqlstate == kQueryCanceled && cause_ != Cause::kNone) {
    Error error = stop_error(Outcome::kFailed, "cancelled on the server");
    error.sqlstate = sqlstate;
    return fail(std::move(error));
  }
  fail(statement_error(
      classify(result), Outcome::kFailed,
      server_message(session_, statement_.sql, result, params_), sqlstate));
}

void Exchange::Impl::fail_as_lost() {
  const PGresult* const result = pump_.result();
  const auto sqlstate = result == nullptr ? "" : sqlstate_of(result);
  // An error that the server sent before the end tells that it rolled back,
  // unless the end came while it committed.
  Outcome outcome = Outcome::kInDoubt;
  if (!sqlstate.empty() && !pump_.saw_success()) outcome = Outcome::kFailed;
  if (phase_ != Phase::kRun) outcome = Outcome::kNotSent;
  std::string message =
      sqlstate.empty()
          ? lost_message(session_)
          : "connection to " + session_.host() + " lost: " +
                server_message(session_, statement_.sql, result, params_);
  if (should_retire(session_.pg(), sqlstate)) session_.mark_retire();
  fail(statement_error(StatementFailure::kConnectionLost, outcome,
                       std::move(message), sqlstate));
}

void Exchange::Impl::fail_as_too_large(bool complete) {
  Error error;
  error.kind = ErrorKind::kResultTooLarge;
  error.outcome = Outcome::kInDoubt;
  error.message = "the result takes more than max_result_bytes (" +
                  std::to_string(options_.max_result_bytes) + ")";
  if (complete) {
    error.message += "; the statement itself has succeeded";
    session_.mark_retire();
  } else {
    // Nobody waits for this one: the connection is closed anyway.
    session_.set_cancel_ticket(detail::request_cancel(session_.pg()));
    error.message += "; the connection will be closed";
  }
  fail(std::move(error));
}

Error Exchange::Impl::stop_error(Outcome outcome, std::string_view how) const {
  if (cause_ == Cause::kCaller) {
    Error error;
    error.kind = ErrorKind::kCancelled;
    error.outcome = outcome;
    error.message = "the caller cancelled the statement: " + std::string(how);
    return error;
  }
  return statement_error(StatementFailure::kTimeout, outcome,
                         "statement timeout (" +
                             milliseconds(timeout_.value_or(Duration())) +
                             "): " + std::string(how));
}

Expected<Rows> Exchange::Impl::take_result() {
  assert(phase_ == Phase::kDone);
  report();
  if (error_) return tl::unexpected(std::move(*error_));
  return Rows(result_.release());
}

void Exchange::Impl::report() {
  report_statement(session_.context(), statement_, params_,
                   finished_at_ - started_at_, error_ ? &*error_ : nullptr);
}

}  // namespace dbpool::detail
