// Closing: ends a session as a step machine, and waits for the server to end
// it too: a connection counts against max_connections of the server until
// its backend is gone.
//
// Thread-safety: none; lives on the loop (or thread) that drives it.
#ifndef DBPOOL_POOL_SRC_SESSION_CLOSING_H_
#define DBPOOL_POOL_SRC_SESSION_CLOSING_H_

#include <memory>
#include <optional>

#include "pool/src/session/session.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

// Sends Terminate, and finishes when the server's end is seen or `deadline`
// passed. The session is gone after the first step.
class Closing final : public StepMachine {
 public:
  Closing(std::unique_ptr<Session> session, TimePoint deadline);
  ~Closing() override;
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

  std::optional<Wait> step(TimePoint now, bool ready) override;

 private:
  std::unique_ptr<Session> session_;
  TimePoint deadline_;
  int watched_fd_ = -1;  // a dup of the socket, closed here
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_CLOSING_H_
