#include "pool/src/session/pump.h"

#include <utility>

#include "pool/src/session/wire.h"

namespace dbpool::detail {

void Pump::begin() noexcept {
  end_ = End::kNone;
  writable_ = saw_success_ = has_read_ = false;
  result_.reset();
  received_.reset();
}

bool Pump::advance(bool ready) {
  if (ready && end_ == End::kNone) read();
  if (end_ == End::kNone) {
    const int left = PQflush(session_.pg());
    writable_ = left > 0;
    if (left < 0) lose();
  }
  if (end_ == End::kNone) collect();
  while (end_ == End::kNone && holds_decrypted(session_.pg())) {
    read();
    if (end_ == End::kNone) collect();
  }
  return end_ != End::kNone;
}

Wait Pump::wait() const noexcept {
  return {.fd = session_.fd(), .readable = true, .writable = writable_};
}

void Pump::read() {
  // Most results come at once: only what takes a second read is counted.
  if (has_read_ && !received_) received_.emplace(session_.fd());
  has_read_ = true;
  if (PQconsumeInput(session_.pg()) == 0) {
    lose();
  } else if (received_ && received_->count() > max_bytes_) {
    if (max_bytes_ >= kLargeBytes) session_.mark_bloated();
    stop(End::kTooLarge);
  }
}

void Pump::collect() {
  PGconn* const connection = session_.pg();
  while (PQisBusy(connection) == 0) {
    ResultPtr result(PQgetResult(connection));
    if (!result) {
      drop_notifications(connection);
      end_ = End::kReply;
      if (PQstatus(connection) != CONNECTION_OK) stop(End::kLost);
      return;
    }
    if (is_copy(PQresultStatus(result.get()))) return stop(End::kCopy);
    const bool fatal = is_fatal(result.get());
    keep(std::move(result));
    if (fatal) return stop(End::kLost);
  }
}

void Pump::keep(ResultPtr result) {
  if (is_success(result.get())) {
    saw_success_ = true;
    if (!result_) result_ = std::move(result);
  } else if (!result_ || is_success(result_.get())) {
    result_ = std::move(result);
  }
}

// The server's last words may still be in libpq's buffer.
void Pump::lose() {
  stop(End::kLost);
  // As long as libpq holds the socket, asking for results could block.
  if (session_.fd() >= 0) return;
  for (int i = 0; i < kMaxLastResults; ++i) {
    ResultPtr result(PQgetResult(session_.pg()));
    if (!result) return;
    if (!is_copy(PQresultStatus(result.get()))) keep(std::move(result));
  }
}

void Pump::stop(End end) noexcept {
  end_ = end;
  if (end == End::kLost) {
    session_.mark_broken();
  } else {
    session_.hang_up();  // the server would go on sending
  }
}

}  // namespace dbpool::detail
