// Exchange::Impl: sending and replies are in exchange.cc, cancels and results
// in exchange_end.cc.
#ifndef DBPOOL_POOL_SRC_SESSION_EXCHANGE_IMPL_H_
#define DBPOOL_POOL_SRC_SESSION_EXCHANGE_IMPL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/src/session/exchange.h"
#include "pool/src/session/pg_result.h"
#include "pool/src/session/pump.h"

namespace dbpool::detail {

class Exchange::Impl {
 public:
  Impl(Session& session, const Statement& statement, const Params& params,
       const ExecuteOptions& options, TimePoint now);

  std::optional<Wait> step(TimePoint now, bool ready);
  void request_cancel() noexcept { cancel_wanted_ = true; }
  void abandon();
  Expected<Rows> take_result();

 private:
  enum class Phase : std::uint8_t {
    kStart,
    kDeallocate,  // an old statement, to make room
    kPrepare,
    kRun,
    kSettle,  // the result is there; a cancel may still be under way
    kDone,
  };
  enum class Cause : std::uint8_t { kNone, kTimeout, kCaller };

  bool on_wire() const noexcept {
    return phase_ != Phase::kStart && phase_ < Phase::kSettle;
  }
  StatementCache& cache() noexcept { return session_.cache(); }
  PGTransactionStatusType transaction() const noexcept {
    return PQtransactionStatus(session_.pg());
  }

  void start();
  void begin_statement();
  void prepare_next();
  void run(bool prepared);
  void sent(bool ok, Phase phase);

  void on_end();
  void on_deallocated();
  void on_prepared();
  void on_run();
  void on_success();
  bool try_again();

  void look_at_cancel();
  bool stopped_between();
  void notice_cause() noexcept;
  void give_up();
  Wait wire_wait() const;
  std::optional<Wait> settle();

  void fail(Error error);
  void fail_by_server(const PGresult* result);
  void fail_as_lost();
  void fail_as_too_large(bool complete);
  Error stop_error(Outcome outcome, std::string_view how) const;
  void report();

  // Constant.
  Session& session_;
  const Statement statement_;
  const Params& params_;
  const ExecuteOptions options_;
  const std::optional<Duration> timeout_;
  const TimePoint started_at_;
  const TimePoint deadline_;

  // The driver's thread only.
  TimePoint now_;  // of this step
  Pump pump_;
  Phase phase_ = Phase::kStart;
  std::string name_;           // of the prepared statement
  bool was_prepared_ = false;  // found in the cache
  bool retried_ = false;
  bool cancel_wanted_ = false;
  Cause cause_ = Cause::kNone;  // why a cancel was sent
  TimePoint cancel_again_at_ = TimePoint::max();
  TimePoint give_up_at_ = TimePoint::max();
  TimePoint finished_at_ = {};
  ResultPtr result_;
  std::optional<Error> error_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_EXCHANGE_IMPL_H_
