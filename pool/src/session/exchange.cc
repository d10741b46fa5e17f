#include "pool/src/session/exchange.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "pool/src/session/exchange_impl.h"
#include "pool/src/session/send_statement.h"
#include "pool/src/session/statement_error.h"
#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

std::size_t size_of(const Params& params) noexcept {
  std::size_t bytes = 0;
  for (const Param& param : params.values()) bytes += param.value.size();
  return bytes;
}

}  // namespace

Exchange::Impl::Impl(Session& session, const Statement& statement,
                     const Params& params, const ExecuteOptions& options,
                     TimePoint now)
    : session_(session),
      statement_(statement),
      params_(params),
      options_(options),
      timeout_(options.timeout ? options.timeout
                               : session.context().timeouts->statement()),
      started_at_(now),
      deadline_(timeout_
                    ? saturating_add(now, std::max(*timeout_, Duration::zero()))
                    : TimePoint::max()),
      now_(now),
      pump_(session, options.max_result_bytes) {
  assert(!session.busy());
  session_.set_busy(true);
}

std::optional<Wait> Exchange::Impl::step(TimePoint now, bool ready) {
  now_ = now;
  if (phase_ == Phase::kStart) start();
  while (on_wire() && pump_.advance(ready)) {
    on_end();
    ready = false;
  }
  if (on_wire()) look_at_cancel();
  if (on_wire()) return wire_wait();
  return settle();
}

// --- Sending -----------------------------------------------------------------

void Exchange::Impl::start() {
  if (session_.broken()) {
    return fail(statement_error(
        StatementFailure::kConnectionLost, Outcome::kNotSent,
        "not sent: the connection to " + session_.host() + " is broken"));
  }
  if (auto error = find_usage_error(statement_.sql, params_)) {
    return fail(std::move(*error));
  }
  if (stopped_between()) return;
  if (size_of(params_) > kLargeBytes) session_.mark_bloated();
  session_.activity()->begin(statement_, started_at_);
  begin_statement();
}

void Exchange::Impl::begin_statement() {
  was_prepared_ = false;
  if (!options_.prepare || !cache().accepts(statement_.sql)) return run(false);
  name_ = cache().find(statement_.sql, params_);
  was_prepared_ = !name_.empty();
  if (was_prepared_) return run(true);
  // In a failed transaction nothing can be prepared; in a live one, nothing
  // may be risked for the sake of the cache.
  const bool idle = transaction() == PQTRANS_IDLE;
  const bool room = transaction() == PQTRANS_INTRANS && cache().has_room();
  return idle || room ? prepare_next() : run(false);
}

void Exchange::Impl::prepare_next() {
  if (!cache().has_room()) cache().evict_oldest();
  if (!cache().stale().empty() && transaction() == PQTRANS_IDLE) {
    const std::string sql = "DEALLOCATE " + std::string(cache().stale());
    return sent(PQsendQuery(session_.pg(), sql.c_str()) == 1,
                Phase::kDeallocate);
  }
  name_ = cache().new_name();
  sent(send_prepare(session_.pg(), name_, statement_.sql, params_),
       Phase::kPrepare);
}

void Exchange::Impl::run(bool prepared) {
  const bool ok =
      prepared ? send_prepared(session_.pg(), name_, params_, options_.format)
               : send_unprepared(session_.pg(), statement_.sql, params_,
                                 options_.format);
  sent(ok, Phase::kRun);
}

// Nothing goes to the server when libpq refuses to send.
void Exchange::Impl::sent(bool ok, Phase phase) {
  if (ok) {
    phase_ = phase;
    pump_.begin();
    return;
  }
  session_.mark_broken();
  fail(statement_error(StatementFailure::kConnectionLost, Outcome::kNotSent,
                       "not sent: " + lost_message(session_)));
}

// --- Replies -----------------------------------------------------------------

void Exchange::Impl::on_end() {
  switch (pump_.end()) {
    case Pump::End::kReply:
      break;
    case Pump::End::kCopy:
      return fail(usage_error(
          "COPY from or to the client is not supported, and there is no way "
          "back from it: the connection will be closed"));
    case Pump::End::kTooLarge:
      return fail_as_too_large(false);
    case Pump::End::kLost:
    case Pump::End::kNone:
      return fail_as_lost();
  }
  if (phase_ == Phase::kDeallocate) return on_deallocated();
  if (phase_ == Phase::kPrepare) return on_prepared();
  on_run();
}

void Exchange::Impl::on_deallocated() {
  // What the server does not know needs no deallocation.
  const PGresult* const result = pump_.result();
  if (result != nullptr &&
      (is_success(result) || sqlstate_of(result) == "26000")) {
    cache().pop_stale();
  } else {
    return fail_by_server(result);
  }
  if (!stopped_between()) prepare_next();
}

void Exchange::Impl::on_prepared() {
  if (!pump_.saw_success()) return fail_by_server(pump_.result());
  cache().add(statement_.sql, params_, name_);
  if (!stopped_between()) run(true);
}

void Exchange::Impl::on_run() {
  const PGresult* const result = pump_.result();
  if (result != nullptr && is_success(result)) return on_success();
  if (result != nullptr && try_again()) return;
  fail_by_server(result);
}

void Exchange::Impl::on_success() {
  result_ = pump_.take_result();
  const std::string_view command = PQcmdStatus(result_.get());
  if (command == "DISCARD ALL" || command == "DEALLOCATE ALL") {
    cache().clear();
  }
  const std::size_t bytes = PQresultMemorySize(result_.get());
  if (bytes > kLargeBytes) session_.mark_bloated();
  if (bytes > options_.max_result_bytes) return fail_as_too_large(true);
  phase_ = Phase::kSettle;
}

// A prepared statement that is out of date: prepares and runs it again, once,
// unless a transaction has been lost by it.
bool Exchange::Impl::try_again() {
  if (!was_prepared_ || !is_stale_plan(pump_.result())) return false;
  cache().remove(statement_.sql, params_);
  if (retried_ || cause_ != Cause::kNone || transaction() != PQTRANS_IDLE) {
    return false;
  }
  retried_ = true;
  begin_statement();
  return true;
}

Exchange::Exchange(Session& session, const Statement& statement,
                   const Params& params, const ExecuteOptions& options,
                   TimePoint now)
    : impl_(std::make_unique<Impl>(session, statement, params, options, now)) {}

Exchange::~Exchange() = default;

std::optional<Wait> Exchange::step(TimePoint now, bool ready) {
  return impl_->step(now, ready);
}

void Exchange::request_cancel() noexcept { impl_->request_cancel(); }

void Exchange::abandon() { impl_->abandon(); }

Expected<Rows> Exchange::take_result() { return impl_->take_result(); }

}  // namespace dbpool::detail
