// Pump: one command on the wire, from after its PQsend… to its last result.
// What Exchange, Checking and Cleaning have in common.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_SESSION_PUMP_H_
#define DBPOOL_POOL_SRC_SESSION_PUMP_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "pool/src/session/pg_result.h"
#include "pool/src/session/received_bytes.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

class Pump {
 public:
  enum class End : std::uint8_t {
    kNone,      // under way
    kReply,     // all results are read; the wire is idle
    kLost,      // the connection broke, or the server ended the session
    kCopy,      // COPY was begun, which nobody will carry on
    kTooLarge,  // more than max_bytes arrived
  };

  // The session must outlive the pump.
  Pump(Session& session, std::size_t max_bytes) noexcept
      : session_(session), max_bytes_(max_bytes) {}

  // Forgets the last command: another was sent.
  void begin() noexcept;

  // Writes and reads what goes without blocking; `ready` as in
  // StepMachine::step(). True when the command has ended. Every end but
  // kReply leaves the session marked as broken.
  bool advance(bool ready);
  Wait wait() const noexcept;

  End end() const noexcept { return end_; }
  // The first error, else the last success; null if there was neither.
  const PGresult* result() const noexcept { return result_.get(); }
  ResultPtr take_result() noexcept { return std::move(result_); }
  // A success was reported, even if an error followed: the command may have
  // taken effect.
  bool saw_success() const noexcept { return saw_success_; }

 private:
  void read();
  void collect();
  void keep(ResultPtr result);
  void lose();
  void stop(End end) noexcept;

  Session& session_;
  const std::size_t max_bytes_;
  End end_ = End::kNone;
  bool writable_ = false;  // something is left to be flushed
  bool saw_success_ = false;
  bool has_read_ = false;
  ResultPtr result_;
  std::optional<ReceivedBytes> received_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_PUMP_H_
