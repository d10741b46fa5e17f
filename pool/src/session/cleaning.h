// Cleaning: brings a session that came back dirty into a state fit for the
// next borrower, as a step machine.
//
// The session-reset policy: a clean return (idle, outside a transaction)
// costs nothing and changes nothing; what a caller SETs, LISTENs to or locks
// on purpose is the caller's business, as with other pools. Who returns a
// connection amid a statement or a transaction did not come to its own
// clean-up either, so that a dirty return gets all of it: the statement is
// cancelled on the server and drained, the transaction rolled back, and the
// session's state reset (DISCARD ALL: settings, temporary tables, advisory
// locks, LISTENs, prepared statements).
//
// Thread-safety: none; lives on the loop (or thread) that drives it.
#ifndef DBPOOL_POOL_SRC_SESSION_CLEANING_H_
#define DBPOOL_POOL_SRC_SESSION_CLEANING_H_

#include <cstdint>
#include <optional>

#include "pool/src/session/pump.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

class Cleaning final : public StepMachine {
 public:
  // The session must outlive it.
  Cleaning(Session& session, TimePoint deadline, TimePoint now);

  std::optional<Wait> step(TimePoint now, bool ready) override;

  // After the end: may it be lent again? If not, the session is marked
  // broken.
  bool usable() const noexcept { return phase_ == Phase::kClean; }

 private:
  enum class Phase : std::uint8_t {
    kStart,
    kDraining,  // what was abandoned, cancelled by now
    kRollingBack,
    kResetting,
    kClean,
    kHopeless,
  };

  void start();
  void on_end();
  void after_draining();
  void send(const char* sql, Phase phase);
  bool cancel_returned();
  Wait wait_for(TimePoint now);

  Session& session_;
  const TimePoint deadline_;
  Pump pump_;
  Phase phase_ = Phase::kStart;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_CLEANING_H_
