#include "pool/src/session/cleaning.h"

#include <algorithm>
#include <cstddef>

#include "pool/src/waiting/saturating_time.h"

namespace dbpool::detail {
namespace {

// What an abandoned statement still sends is read and dropped by libpq only
// once it is whole; more than this costs the session.
constexpr std::size_t kMaxDrainedBytes = std::size_t{16} << 20;
constexpr Duration kTicketInterval = std::chrono::milliseconds(5);

}  // namespace

Cleaning::Cleaning(Session& session, TimePoint deadline, TimePoint)
    : session_(session),
      deadline_(deadline),
      pump_(session, kMaxDrainedBytes) {}

std::optional<Wait> Cleaning::step(TimePoint now, bool ready) {
  if (phase_ == Phase::kStart) start();
  while (phase_ < Phase::kClean) {
    if (pump_.end() == Pump::End::kNone && !pump_.advance(ready)) break;
    ready = false;
    if (phase_ == Phase::kDraining && !cancel_returned()) break;
    on_end();
  }
  if (phase_ < Phase::kClean && now < deadline_) return wait_for(now);
  if (phase_ < Phase::kClean) phase_ = Phase::kHopeless;
  if (phase_ == Phase::kHopeless) {
    session_.mark_broken();
  } else {
    session_.set_cancel_ticket(nullptr);
    session_.set_busy(false);
    session_.activity()->end(TransactionStatus::kIdle, now);
  }
  return std::nullopt;
}

void Cleaning::start() {
  if (session_.broken()) {
    phase_ = Phase::kHopeless;
    return;
  }
  pump_.begin();
  phase_ = Phase::kDraining;
  // What has come in already needs no cancel.
  if (session_.busy() && !session_.cancel_ticket() && !pump_.advance(true)) {
    session_.set_cancel_ticket(request_cancel(session_.pg()));
  }
}

bool Cleaning::cancel_returned() {
  const auto& ticket = session_.cancel_ticket();
  return !ticket || ticket->done();
}

Wait Cleaning::wait_for(TimePoint now) {
  if (pump_.end() == Pump::End::kNone) {
    Wait wait = pump_.wait();
    wait.until = deadline_;
    return wait;
  }
  const int fd = session_.cancel_ticket()->fd();
  const TimePoint soon = saturating_add(now, kTicketInterval);
  return {.fd = fd,
          .readable = true,
          .until = fd < 0 ? std::min(soon, deadline_) : deadline_};
}

void Cleaning::on_end() {
  const bool replied = pump_.end() == Pump::End::kReply;
  if (replied && phase_ == Phase::kDraining) {
    after_draining();
  } else if (!replied || !is_success(pump_.result())) {
    phase_ = Phase::kHopeless;
  } else if (phase_ == Phase::kRollingBack) {
    send("DISCARD ALL", Phase::kResetting);
  } else {
    session_.cache().clear();
    phase_ = Phase::kClean;
  }
}

void Cleaning::after_draining() {
  switch (PQtransactionStatus(session_.pg())) {
    case PQTRANS_IDLE:
      return send("DISCARD ALL", Phase::kResetting);
    case PQTRANS_INTRANS:
    case PQTRANS_INERROR:
      return send("ROLLBACK", Phase::kRollingBack);
    case PQTRANS_ACTIVE:
    case PQTRANS_UNKNOWN:
      phase_ = Phase::kHopeless;
  }
}

void Cleaning::send(const char* sql, Phase phase) {
  if (PQsendQuery(session_.pg(), sql) != 1) {
    phase_ = Phase::kHopeless;
    return;
  }
  phase_ = phase;
  pump_.begin();
}

}  // namespace dbpool::detail
