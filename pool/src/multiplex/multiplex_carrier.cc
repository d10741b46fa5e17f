#include "pool/src/multiplex/multiplex_carrier.h"

#include <utility>

#include "pool/src/multiplex/multiplex_refusal.h"
#include "pool/src/session/send_statement.h"
#include "pool/src/session/statement_error.h"
#include "pool/src/session/wire.h"

namespace dbpool::detail {

MultiplexCarrier::MultiplexCarrier(Lease lease)
    : lease_(std::move(lease)), session_(lease_->session()) {
  session_.set_busy(true);
  broken_ = session_.broken() || PQenterPipelineMode(pg()) != 1;
}

MultiplexCarrier::~MultiplexCarrier() {
  if (broken_ || !sent_.empty() || PQexitPipelineMode(pg()) != 1) {
    session_.mark_broken();
  }
  session_.set_busy(false);
  session_.activity()->end(session_.transaction_status(), Clock::now());
}

// --- Sending -----------------------------------------------------------------

void MultiplexCarrier::send(MultiplexStatement& statement, TimePoint now) {
  if (broken_) return;
  Sent sent{.statement = &statement};
  bool good = true;
  // One that met an outdated plan runs without: it must not meet another.
  if (statement.options.prepare && !statement.job.retried &&
      cache().accepts(statement.sql)) {
    sent.name = cache().find(statement.sql, statement.params);
    sent.was_prepared = !sent.name.empty();
    if (!sent.was_prepared) good = send_stale() && send_new(sent);
  }
  const ResultFormat format = statement.options.format;
  good = good &&
         (sent.name.empty()
              ? send_unprepared(pg(), statement.sql, statement.params, format)
              : send_prepared(pg(), sent.name, statement.params, format));
  good = good && PQpipelineSync(pg()) == 1;
  if (!good) return hang_up();
  sent_.push_back(std::move(sent));
  ++statements_;
  if (sent_.size() == 1) begin_head(now);
}

// Room for one more prepared statement, if need be. What the server does not
// know needs no deallocation, so that nobody waits to hear.
bool MultiplexCarrier::send_stale() {
  if (cache().has_room()) return true;
  if (cache().stale().empty()) cache().evict_oldest();
  const std::string sql = "DEALLOCATE " + std::string(cache().stale());
  cache().pop_stale();
  sent_.emplace_back();
  return send_unprepared(pg(), sql, {}, ResultFormat::kText) &&
         PQpipelineSync(pg()) == 1;
}

// Known to the cache from now on: those that are sent behind it find it.
bool MultiplexCarrier::send_new(Sent& sent) {
  const MultiplexStatement& statement = *sent.statement;
  sent.name = cache().new_name();
  sent.prepares = true;
  cache().add(statement.sql, statement.params, sent.name);
  return send_prepare(pg(), sent.name, statement.sql, statement.params);
}

bool MultiplexCarrier::flush() {
  if (broken_) return false;
  const int left = PQflush(pg());
  blocked_ = left > 0;
  if (left < 0) collect_last();
  return blocked_;
}

// --- Replies -----------------------------------------------------------------

void MultiplexCarrier::begin_head(TimePoint now) {
  result_.reset();
  successes_ = 0;
  has_read_ = false;
  received_.reset();
  if (sent_.empty() || sent_.front().statement == nullptr) return;
  session_.activity()->begin(sent_.front().statement->statement(), now);
}

void MultiplexCarrier::read(TimePoint) {
  if (broken_) return;
  // Most results come at once: only what takes a second read is counted.
  if (has_read_ && !received_) received_.emplace(session_.fd());
  has_read_ = true;
  if (PQconsumeInput(pg()) == 0) return collect_last();
  if (!received_ || sent_.empty() || sent_.front().statement == nullptr) return;
  const std::size_t most = sent_.front().statement->options.max_result_bytes;
  if (received_->count() <= most) return;
  if (most >= kLargeBytes) session_.mark_bloated();
  Error error;
  error.kind = ErrorKind::kResultTooLarge;
  error.outcome = Outcome::kInDoubt;
  error.message = "the result takes more than max_result_bytes (" +
                  std::to_string(most) + "); the connection will be closed";
  break_off(std::move(error));
}

std::optional<MultiplexCarrier::Reply> MultiplexCarrier::next(TimePoint now) {
  int ends = 0;  // in a row; one follows each result
  while (!broken_ && !sent_.empty()) {
    if (PQisBusy(pg()) != 0) {
      if (!holds_decrypted(pg())) break;
      read(now);
      continue;
    }
    ResultPtr result(PQgetResult(pg()));
    ends = result ? 0 : ends + 1;
    if (!result) {
      if (PQstatus(pg()) != CONNECTION_OK) collect_last();
      if (ends > kMaxLastResults) hang_up();  // out of step with the server
      continue;
    }
    if (PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) {
      if (auto reply = end_head(now)) return reply;
    } else if (!take(std::move(result))) {
      collect_last();
    }
  }
  return std::nullopt;
}

// False: the server ends the session.
bool MultiplexCarrier::take(ResultPtr result) {
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_PIPELINE_ABORTED) return true;  // an error came before it
  if (is_copy(status)) {
    break_off(
        usage_error("COPY is not possible on a connection that is "
                    "shared, which will be closed"));
    return true;
  }
  if (is_success(result.get())) {
    ++successes_;
    if (!result_ || is_success(result_.get())) result_ = std::move(result);
    return true;
  }
  const bool fatal = is_fatal(result.get());
  if (!result_ || is_success(result_.get())) result_ = std::move(result);
  return !fatal;
}

// The server's last words may still be in libpq's buffer; as long as libpq
// holds the socket, asking for results could block.
void MultiplexCarrier::collect_last() {
  broken_ = true;
  session_.mark_broken();
  for (int i = 0; session_.fd() < 0 && i < kMaxLastResults; ++i) {
    ResultPtr result(PQgetResult(pg()));
    if (!result || PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return;
    if (!is_copy(PQresultStatus(result.get()))) take(std::move(result));
  }
}

void MultiplexCarrier::hang_up() noexcept {
  broken_ = true;
  session_.hang_up();
}

void MultiplexCarrier::break_off(Error reason) {
  reason_ = std::move(reason);
  hang_up();
}

std::optional<MultiplexCarrier::Reply> MultiplexCarrier::end_head(
    TimePoint now) {
  drop_notifications(pg());
  const Sent sent = std::move(sent_.front());
  if (sent.statement == nullptr) {
    sent_.pop_front();
    begin_head(now);
    return std::nullopt;
  }
  // The backstop to what is refused before it is sent.
  if (result_ && is_success(result_.get()) &&
      is_unshareable(PQcmdStatus(result_.get()))) {
    break_off(
        usage_error("this statement is not possible on a connection "
                    "that is shared, which will be closed"));
    return std::nullopt;
  }
  Reply reply = make_reply(sent);
  sent_.pop_front();
  --statements_;
  begin_head(now);
  return reply;
}

MultiplexCarrier::Reply MultiplexCarrier::make_reply(const Sent& sent) {
  MultiplexStatement& statement = *sent.statement;
  if (result_ && is_success(result_.get())) {
    return {&statement, success(statement), false};
  }
  const bool is_stale =
      result_ && sent.was_prepared && is_stale_plan(result_.get());
  if (is_stale || (sent.prepares && successes_ == 0)) forget_prepared(sent);
  return {&statement, Unexpected(failure(statement)),
          is_stale && !statement.job.retried};
}

// Unless it has been prepared anew meanwhile, under another name.
void MultiplexCarrier::forget_prepared(const Sent& sent) {
  const MultiplexStatement& statement = *sent.statement;
  if (cache().find(statement.sql, statement.params) == sent.name) {
    cache().remove(statement.sql, statement.params);
  }
}

Expected<Rows> MultiplexCarrier::success(const MultiplexStatement& statement) {
  const std::size_t bytes = PQresultMemorySize(result_.get());
  if (bytes > kLargeBytes) session_.mark_bloated();
  if (bytes <= statement.options.max_result_bytes) {
    return Rows(result_.release());
  }
  session_.mark_retire();
  Error error;
  error.kind = ErrorKind::kResultTooLarge;
  error.outcome = Outcome::kInDoubt;
  error.message = "the result takes more than max_result_bytes (" +
                  std::to_string(statement.options.max_result_bytes) +
                  "); the statement itself has succeeded";
  return Unexpected(std::move(error));
}

Error MultiplexCarrier::failure(const MultiplexStatement& statement) {
  const std::string_view sqlstate =
      result_ ? sqlstate_of(result_.get()) : std::string_view();
  if (sqlstate.empty()) {  // libpq's own: out of memory, out of sync
    hang_up();
    return statement_error(StatementFailure::kConnectionLost, Outcome::kInDoubt,
                           lost_message(session_));
  }
  if (should_retire(pg(), sqlstate)) session_.mark_retire();
  return statement_error(
      classify(result_.get()), Outcome::kFailed,
      server_message(session_, statement.sql, result_.get(), statement.params),
      sqlstate);
}

Error MultiplexCarrier::loss(const MultiplexStatement& statement,
                             bool was_head) const {
  if (was_head && reason_) return *reason_;
  const bool has_words = was_head && result_ && !is_success(result_.get());
  const std::string_view sqlstate =
      has_words ? sqlstate_of(result_.get()) : std::string_view();
  if (sqlstate.empty()) {
    return statement_error(
        StatementFailure::kConnectionLost, Outcome::kInDoubt,
        reason_ ? "the connection was closed because of another statement on it"
                : lost_message(session_));
  }
  // An error that the server sent before the end tells that it rolled back,
  // unless the end came while it committed. To prepare is no such success.
  const bool saw_success = successes_ > (sent_.front().prepares ? 1 : 0);
  return statement_error(StatementFailure::kConnectionLost,
                         saw_success ? Outcome::kInDoubt : Outcome::kFailed,
                         "connection to " + session_.host() + " lost: " +
                             server_message(session_, statement.sql,
                                            result_.get(), statement.params),
                         sqlstate);
}

}  // namespace dbpool::detail
