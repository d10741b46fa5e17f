// Opening: one new session as a step machine, phase by phase.
//
// Names are resolved on a bounded crew of detached threads (resolver.h), then
// hosts × addresses are walked here, each with an equal share of the time
// that is left, since PQconnectPoll ignores connect_timeout and stays on a
// dead first host.
//
// Thread-safety: none; lives on the loop (or thread) that drives it.
#ifndef DBPOOL_POOL_SRC_OPENING_OPENING_H_
#define DBPOOL_POOL_SRC_OPENING_OPENING_H_

#include <memory>
#include <optional>

#include "dbpool/connect.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

struct Opened {
  std::unique_ptr<Session> session;
  Duration total{0};
  PhaseTimes phases = {};
  TlsStats tls = {};
};

class Opening final : public StepMachine {
 public:
  // `timeout` counts from `now`. Target and context are shared, not copied;
  // the session gets the context.
  Opening(std::shared_ptr<const ConnectionString> target, Duration timeout,
          std::shared_ptr<const SessionContext> context, TimePoint now);
  ~Opening() override;  // abandons what is under way, blocks in nothing
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  std::optional<Wait> step(TimePoint now, bool ready) override;

  // After step() returned nullopt, once. Errors: kConnect with
  // connect_failure; kUsage when the target's lists contradict each other.
  Expected<Opened> take_result();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_OPENING_H_
