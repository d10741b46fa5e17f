// Exchange: one statement on the wire as a step machine, from sending to a
// connection that is idle again — or broken.
//
// A statement past its deadline (or abandoned, see request_cancel) is
// cancelled on the server by the canceller's crew; the exchange ends when the
// wire is idle AND that cancel has returned, since a late cancel would hit
// the next statement; after cancel_grace it gives up and the session is
// broken.
//
// Thread-safety: none, driven by one thread at a time.
#ifndef DBPOOL_POOL_SRC_SESSION_EXCHANGE_H_
#define DBPOOL_POOL_SRC_SESSION_EXCHANGE_H_

#include <memory>
#include <optional>
#include <string>

#include "dbpool/connection.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

class Exchange final : public StepMachine {
 public:
  // The session must outlive the exchange and be free (not busy); it is busy
  // from now on until the exchange has ended. The texts and parameters must
  // live until then, too (a blocking caller's are on its stack; the
  // asynchronous driver owns copies). An exchange that is destroyed before
  // its end leaves the session busy: Cleaning makes it fit again.
  Exchange(Session& session, const Statement& statement, const Params& params,
           const ExecuteOptions& options, TimePoint now);
  ~Exchange() override;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  std::optional<Wait> step(TimePoint now, bool ready) override;

  // The caller gave up: cancel on the server, finish with kCancelled. Takes
  // effect at the next step().
  void request_cancel() noexcept;

  // The caller does not wait for the server any more: tells it to cancel, and
  // breaks the session. The next step() is the last one; the result is
  // kCancelled, unless it was there already.
  void abandon();

  // After step() returned nullopt, once. Also tells statistics and sink.
  Expected<Rows> take_result();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_EXCHANGE_H_
