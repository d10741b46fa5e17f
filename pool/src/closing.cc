#include "pool/src/closing.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace dbpool::detail {
namespace {

enum class Drained { kEnd, kMoreToCome };

// Reads what is there and throws it away: only the end of it matters. Bounded
// so that a server that never stops sending does not hold up the loop.
Drained discard_input(int fd) {
  std::array<char, 4096> buffer;
  for (int reads = 0; reads < 64; ++reads) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    const bool nothing_yet =
        got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return nothing_yet ? Drained::kMoreToCome : Drained::kEnd;
  }
  return Drained::kMoreToCome;
}

}  // namespace

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
  if (discard_input(watched_fd_) == Drained::kEnd) return std::nullopt;
  return Wait{.fd = watched_fd_, .readable = true, .until = deadline_};
}

}  // namespace dbpool::detail
