#include "pool/src/session/closing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "pool/src/session/discard_input.h"

namespace dbpool::detail {
Closing::Closing(std::unique_ptr<Session> session, TimePoint deadline)
    : session_(std::move(session)), deadline_(deadline) {}

Closing::~Closing() {
  if (watched_fd_ >= 0) ::close(watched_fd_);
}

std::optional<Wait> Closing::step(TimePoint now, bool) {
  if (session_ != nullptr) {
    // PQfinish closes libpq's descriptor; a dup of it keeps the socket open
    // for us to see the server's end. Without one there is nothing to wait
    // for, and after a fork the session is not ours to end.
    if (!session_->forked() && session_->fd() >= 0) {
      watched_fd_ = ::fcntl(session_->fd(), F_DUPFD_CLOEXEC, 0);
    }
    session_.reset();
    // Our dup also keeps the socket from being closed: say that nothing more
    // comes, for the case that Terminate did not fit into a full socket.
    if (watched_fd_ >= 0) ::shutdown(watched_fd_, SHUT_WR);
  }
  if (watched_fd_ < 0 || now >= deadline_) return std::nullopt;
  if (discard_input(watched_fd_) == Discarded::kEnd) return std::nullopt;
  return Wait{.fd = watched_fd_, .readable = true, .until = deadline_};
}

}  // namespace dbpool::detail
