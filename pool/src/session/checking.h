// Checking: one round trip (an empty query) before an idle connection is
// lent, as a step machine.
//
// Thread-safety: none; lives on the loop (or thread) that drives it.
#ifndef DBPOOL_POOL_SRC_SESSION_CHECKING_H_
#define DBPOOL_POOL_SRC_SESSION_CHECKING_H_

#include <optional>

#include "pool/src/session/pump.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

class Checking final : public StepMachine {
 public:
  // The session must outlive it and be idle on the wire.
  Checking(Session& session, TimePoint deadline, TimePoint now);

  std::optional<Wait> step(TimePoint now, bool ready) override;

  // After the end: may it be lent? If not, the session is marked broken.
  bool alive() const noexcept { return alive_; }

 private:
  Session& session_;
  const TimePoint deadline_;
  Pump pump_;
  bool started_ = false;
  bool alive_ = false;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_CHECKING_H_
