// ConnectAttempt: one PGconn on its way to one endpoint, with the time that
// each phase takes. TLS handshakes run on a crew of their own (tls_crew.h);
// meanwhile the PGconn is the crew's, and an attempt that is given up leaves
// it there. A server that sends more than kMaxLoginBytes before the session is
// there is given up: libpq would keep all of it in memory.
//
// Thread-safety: none; lives on the loop (or thread) that drives it.
#ifndef DBPOOL_POOL_SRC_OPENING_CONNECT_ATTEMPT_H_
#define DBPOOL_POOL_SRC_OPENING_CONNECT_ATTEMPT_H_

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dbpool/connect.h"
#include "pool/src/opening/connect_failure.h"
#include "pool/src/opening/conninfo.h"
#include "pool/src/session/received_bytes.h"
#include "pool/src/tls/handshake_record.h"
#include "pool/src/tls/tls_crew.h"
#include "pool/src/waiting/step_machine.h"

namespace dbpool::detail {

class ConnectAttempt {
 public:
  enum class Progress : std::uint8_t { kWaiting, kConnected, kFailed };

  // Starts. `values`: every keyword but those of where it goes, which
  // `endpoint` has: its address, if any, saves libpq from asking DNS.
  ConnectAttempt(const ConnValues& values, const Endpoint& endpoint,
                 const std::string& target_session_attrs);
  ~ConnectAttempt();
  ConnectAttempt(const ConnectAttempt&) = delete;
  ConnectAttempt& operator=(const ConnectAttempt&) = delete;

  // Goes on after an event that wait() named; never without one, since
  // PQconnectPoll would block or fail. Not after the end.
  void advance();

  Progress progress() const noexcept { return progress_; }
  // While kWaiting: advance() has something to do, whatever wait() says.
  bool is_due() const noexcept { return ticket_ && ticket_->done(); }
  // While kWaiting; `until` is when to look again, if there is no descriptor
  // to wait for.
  Wait wait(TimePoint now) const noexcept;
  ConnectPhase phase() const noexcept { return phase_; }
  // Bytes that have come from the server, as far as is known.
  std::uint64_t received() const noexcept { return received_; }

  // Once kFailed.
  Error error() const;
  // True once kFailed when only target_session_attrs was not met.
  bool wrong_session() const noexcept;

  // Once kConnected: the non-blocking connection, now the caller's, and how
  // long the phases took.
  PGconn* release() noexcept { return link_->connection.release(); }
  const PhaseTimes& times() const noexcept { return times_; }
  const TlsStats& tls() const noexcept { return link_->tls; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };

  // What the crew works on while ticket_ is not done, and nobody else then.
  struct Link {
    std::unique_ptr<PGconn, Finish> connection;
    PostgresPollingStatusType polling = PGRES_POLLING_WRITING;
    HandshakeRecord record;
    TlsStats tls;
    std::string client_name;

    void poll();
  };

  void account(TimePoint now);
  void take_result();
  void note_phase();
  void count_received();
  void finish_connected();

  const Endpoint endpoint_;
  const std::string target_session_attrs_;
  const std::shared_ptr<Link> link_;
  std::shared_ptr<Ticket> ticket_;  // null: the link is ours
  Progress progress_ = Progress::kWaiting;
  ConnectPhase phase_ = ConnectPhase::kTcp;
  TimePoint phase_began_;
  PhaseTimes times_ = {};
  std::optional<ReceivedBytes> counter_;  // of the socket that libpq uses now
  std::uint64_t received_ = 0;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_CONNECT_ATTEMPT_H_
