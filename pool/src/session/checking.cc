#include "pool/src/session/checking.h"

#include <cstddef>

namespace dbpool::detail {
namespace {

constexpr std::size_t kMaxReplyBytes = 64 * 1024;

}  // namespace

Checking::Checking(Session& session, TimePoint deadline, TimePoint)
    : session_(session), deadline_(deadline), pump_(session, kMaxReplyBytes) {}

std::optional<Wait> Checking::step(TimePoint now, bool ready) {
  if (!started_) {
    started_ = true;
    if (session_.broken() || PQsendQuery(session_.pg(), "") != 1) {
      session_.mark_broken();
      return std::nullopt;
    }
    pump_.begin();
  }
  if (!pump_.advance(ready)) {
    if (now < deadline_) {
      Wait wait = pump_.wait();
      wait.until = deadline_;
      return wait;
    }
    session_.mark_broken();
    return std::nullopt;
  }
  alive_ = pump_.end() == Pump::End::kReply &&
           PQresultStatus(pump_.result()) == PGRES_EMPTY_QUERY;
  if (!alive_) session_.mark_broken();
  return std::nullopt;
}

}  // namespace dbpool::detail
