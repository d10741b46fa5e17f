#include "pool/src/session/hangup_watch.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>
#include <system_error>

namespace dbpool::detail {

HangupWatch::HangupWatch() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_.get() < 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_create1");
  }
}

void HangupWatch::add(int session_fd, ConnectionId id) noexcept {
  epoll_event event = {};
  event.events = EPOLLRDHUP | EPOLLET;  // EPOLLHUP and EPOLLERR come along
  event.data.u64 = std::uint64_t{id.generation} << 32 | id.slot;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, session_fd, &event);
}

void HangupWatch::remove(int session_fd) noexcept {
  // -1 when libpq has closed the socket, which removed it from here too.
  if (session_fd < 0) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, session_fd, nullptr);
}

void HangupWatch::take(std::vector<ConnectionId>& out) {
  out.clear();
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(),
                                 static_cast<int>(events.size()), 0);
  if (count <= 0) return;
  for (const epoll_event& event :
       std::span(events).first(static_cast<std::size_t>(count))) {
    out.push_back(
        {.slot = static_cast<std::uint32_t>(event.data.u64),
         .generation = static_cast<std::uint32_t>(event.data.u64 >> 32)});
  }
}

}  // namespace dbpool::detail
