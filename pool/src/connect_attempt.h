// ConnectAttempt: one PGconn on its way to one endpoint, with the time that
// each phase takes.
//
// Thread-safety: none; lives on the loop (or thread) that drives it.
#ifndef DBPOOL_POOL_SRC_CONNECT_ATTEMPT_H_
#define DBPOOL_POOL_SRC_CONNECT_ATTEMPT_H_

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "dbpool/connect.h"
#include "pool/src/connect_failure.h"
#include "pool/src/conninfo.h"
#include "pool/src/step_machine.h"

namespace dbpool::detail {

class ConnectAttempt {
 public:
  enum class Progress : std::uint8_t { kWaiting, kConnected, kFailed };

  // Starts. `values`: every keyword but those of where it goes, which
  // `endpoint` has: its address, if any, saves libpq from asking DNS.
  ConnectAttempt(const ConnValues& values, const Endpoint& endpoint,
                 const std::string& target_session_attrs);

  // Goes on after an event that wait() named; never without one, since
  // PQconnectPoll would block or fail. Not after the end.
  void advance();

  Progress progress() const noexcept { return progress_; }
  // While kWaiting; `until` is not set.
  Wait wait() const noexcept;
  ConnectPhase phase() const noexcept { return phase_; }

  // Once kFailed.
  Error error() const;
  // True once kFailed when only target_session_attrs was not met.
  bool wrong_session() const noexcept;

  // Once kConnected: the non-blocking connection, now the caller's, and how
  // long the phases took.
  PGconn* release() noexcept { return connection_.release(); }
  const PhaseTimes& times() const noexcept { return times_; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };

  void account(TimePoint now);
  void note_phase();
  void finish_connected();

  const Endpoint endpoint_;
  const std::string target_session_attrs_;
  std::unique_ptr<PGconn, Finish> connection_;
  PostgresPollingStatusType polling_ = PGRES_POLLING_WRITING;
  Progress progress_ = Progress::kWaiting;
  ConnectPhase phase_ = ConnectPhase::kTcp;
  TimePoint phase_began_;
  PhaseTimes times_ = {};
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_CONNECT_ATTEMPT_H_
