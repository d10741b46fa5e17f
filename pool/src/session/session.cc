#include "pool/src/session/session.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cassert>
#include <utility>

#include "pool/src/session/discard_input.h"
#include "pool/src/waiting/async_driver.h"

namespace dbpool::detail {
namespace {

void ignore_notice(void*, const PGresult*) {}

}  // namespace

Session::Session(PGconn* connection,
                 std::shared_ptr<const SessionContext> context,
                 std::string host)
    : connection_(connection),
      context_(std::move(context)),
      host_(std::move(host)),
      cache_(context_->max_prepared_statements),
      fork_generation_(fork_generation()) {
  assert(connection_ != nullptr);
  // Without a receiver libpq prints notices on stderr.
  PQsetNoticeReceiver(connection_, ignore_notice, nullptr);
}

Session::~Session() {
  if (!forked()) {
    detach_driver();  // with its duplicate the socket would stay open
    PQfinish(connection_);
    return;
  }
  // PQfinish would say Terminate on the socket that the parent still uses.
  // The child lets go of its copy of the descriptor only.
  const int socket = PQsocket(connection_);
  if (socket >= 0) ::close(socket);
}

void Session::hang_up() noexcept {
  broken_ = true;
  if (forked() || fd() < 0) return;
  ::shutdown(fd(), SHUT_RDWR);
  // TCP refuses what comes from now on, but a full buffer lets nothing come.
  static_cast<void>(discard_input(fd()));
}

const std::shared_ptr<AsyncDriver>& Session::async_driver() {
  if (!async_driver_) async_driver_ = std::make_shared<AsyncDriver>();
  return async_driver_;
}

void Session::detach_driver() noexcept {
  if (async_driver_) async_driver_->detach();
}

int Session::fd() const noexcept { return PQsocket(connection_); }

bool Session::broken() const noexcept {
  return broken_ || PQstatus(connection_) != CONNECTION_OK;
}

TransactionStatus Session::transaction_status() const noexcept {
  if (broken()) return TransactionStatus::kUnknown;
  switch (PQtransactionStatus(connection_)) {
    case PQTRANS_IDLE:
      return TransactionStatus::kIdle;
    case PQTRANS_ACTIVE:
      return TransactionStatus::kActive;
    case PQTRANS_INTRANS:
      return TransactionStatus::kInTransaction;
    case PQTRANS_INERROR:
      return TransactionStatus::kInError;
    case PQTRANS_UNKNOWN:
      break;
  }
  return TransactionStatus::kUnknown;
}

bool Session::forked() const noexcept {
  return fork_generation_ != fork_generation();
}

}  // namespace dbpool::detail
