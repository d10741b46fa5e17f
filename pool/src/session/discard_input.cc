#include "pool/src/session/discard_input.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <cerrno>

namespace dbpool::detail {

Discarded discard_input(int socket) noexcept {
  std::array<char, 4096> buffer;
  for (int reads = 0; reads < 64; ++reads) {
    const ssize_t got =
        ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0 || (got < 0 && errno == EINTR)) continue;
    const bool nothing_yet =
        got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return nothing_yet ? Discarded::kMoreToCome : Discarded::kEnd;
  }
  return Discarded::kMoreToCome;
}

}  // namespace dbpool::detail
