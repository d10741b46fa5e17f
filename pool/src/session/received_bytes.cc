#include "pool/src/session/received_bytes.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>
#include <limits>

namespace dbpool::detail {
namespace {

// Far more than is read at once.
constexpr int kFullOffset = std::numeric_limits<int>::max();

bool is_tcp(int fd) noexcept {
  int domain = AF_UNIX;
  socklen_t size = sizeof(domain);
  ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  return domain != AF_UNIX;
}

void set_peek_offset(int fd, int offset) noexcept {
  ::setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof(offset));
}

std::uint64_t tcp_arrived(int fd) noexcept {
  tcp_info info = {};
  socklen_t size = sizeof(info);
  ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  return info.tcpi_bytes_received;
}

std::uint64_t unread(int fd) noexcept {
  int bytes = 0;
  ::ioctl(fd, FIONREAD, &bytes);
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace

ReceivedBytes::ReceivedBytes(int fd) noexcept : fd_(fd), is_tcp_(is_tcp(fd)) {
  if (is_tcp_) {
    base_ = tcp_arrived(fd_);
    const std::uint64_t waiting = unread(fd_);
    base_ -= waiting < base_ ? waiting : base_;
  } else {
    set_peek_offset(fd_, kFullOffset);
  }
}

std::uint64_t ReceivedBytes::count() noexcept {
  if (is_tcp_) {
    const std::uint64_t arrived = tcp_arrived(fd_);
    return arrived < base_ ? 0 : arrived - base_;
  }
  int offset = kFullOffset;
  socklen_t size = sizeof(offset);
  ::getsockopt(fd_, SOL_SOCKET, SO_PEEK_OFF, &offset, &size);
  if (offset < 0) return 0;  // never set: not supported
  counted_ += static_cast<std::uint64_t>(kFullOffset - offset);
  set_peek_offset(fd_, kFullOffset);
  return counted_;
}

}  // namespace dbpool::detail
