#include "exporter/http/addresses.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

namespace dbpool::exporter {

namespace {

constexpr unsigned kIpv6Feature = 8;  // of mg_check_feature()
constexpr int kSocketType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

using Found = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Found look_up(std::string host, std::uint16_t port) noexcept {
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  return {code == 0 ? found : nullptr, &freeaddrinfo};
}

tl::expected<std::string, std::string> numeric_ipv4(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code != 0) return tl::make_unexpected(std::string(gai_strerror(code)));
  sockaddr_in address{};
  std::copy_n(reinterpret_cast<const char*>(found->ai_addr), sizeof(address),
              reinterpret_cast<char*>(&address));
  freeaddrinfo(found);
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return std::string(text.data());
}

tl::expected<std::string, std::string> host_for_civetweb(
    const std::string& host) {
  if (host.empty()) return std::string();
  if (host.find(':') == std::string::npos) return numeric_ipv4(host);
  if (mg_check_feature(kIpv6Feature) != 0) return "[" + host + "]";
  return tl::make_unexpected(
      std::string("this build of the HTTP server has no IPv6"));
}

std::string cannot_listen(const ListenAddress& address,
                          const std::string& why) {
  return "cannot listen on " + to_string(address) + ": " + why;
}

// As civetweb does. False with errno set; the socket is added to `sockets` in
// any case.
bool listen_on(const addrinfo& address, std::vector<int>& sockets) {
  const int fd = ::socket(address.ai_family, kSocketType, 0);
  if (fd < 0) return false;
  sockets.push_back(fd);
  const int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ai_family == AF_INET6) {
    (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  return ::bind(fd, address.ai_addr, address.ai_addrlen) == 0 &&
         ::listen(fd, 1) == 0;
}

using Deadline = std::chrono::steady_clock::time_point;

// Whether the socket is ready before the deadline.
bool await(int fd, short events, Deadline deadline) noexcept {
  pollfd waited{fd, events, 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    const int ready = ::poll(&waited, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// Reads until the other side hangs up; false at the deadline.
bool is_hung_up(int fd, Deadline deadline) noexcept {
  std::array<char, 1024> ignored{};
  while (await(fd, POLLIN, deadline)) {
    if (::recv(fd, ignored.data(), ignored.size(), 0) <= 0) return true;
  }
  return false;
}

bool is_connected(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof(error);
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

// To the server, under way; -1 when that is not to be.
int start_connecting(const std::string& numeric_host,
                     std::uint16_t port) noexcept {
  const Found found =
      look_up(numeric_host.empty() ? "127.0.0.1" : numeric_host, port);
  if (!found) return -1;
  const int fd = ::socket(found->ai_family, kSocketType, 0);
  if (fd >= 0) (void)::connect(fd, found->ai_addr, found->ai_addrlen);
  return fd;
}

}  // namespace

tl::expected<void, std::string> resolve(std::vector<ListenAddress>& listen) {
  auto numeric = to_numeric(listen);
  if (!numeric) return tl::make_unexpected(std::move(numeric.error()));
  for (std::size_t i = 0; i < listen.size(); ++i) {
    listen[i].numeric = std::move((*numeric)[i].host);
  }
  return {};
}

tl::expected<std::vector<NumericAddress>, std::string> to_numeric(
    const std::vector<ListenAddress>& listen) {
  std::vector<NumericAddress> numeric;
  for (const ListenAddress& address : listen) {
    if (!address.numeric.empty()) {
      numeric.push_back({address.numeric, address.port});
      continue;
    }
    auto host = host_for_civetweb(address.host);
    if (!host) return tl::make_unexpected(cannot_listen(address, host.error()));
    numeric.push_back({*std::move(host), address.port});
  }
  return numeric;
}

std::optional<std::string> why_not_listen(
    const std::vector<ListenAddress>& listen) {
  const auto numeric = to_numeric(listen);
  if (!numeric) return numeric.error();
  std::vector<int> sockets;
  std::optional<std::string> why;
  for (std::size_t i = 0; i < listen.size() && !why; ++i) {
    const auto& [host, port] = (*numeric)[i];
    const Found found = look_up(host.empty() ? "0.0.0.0" : host, port);
    if (!found || listen_on(*found, sockets)) continue;
    why = cannot_listen(
        listen[i], std::error_code(errno, std::generic_category()).message());
  }
  for (const int fd : sockets) ::close(fd);
  return why;
}

void knock(const std::string& numeric_host, std::uint16_t port) noexcept {
  const int fd = start_connecting(numeric_host, port);
  if (fd >= 0) ::close(fd);
}

bool reacts(const std::string& numeric_host, std::uint16_t port,
            std::chrono::milliseconds within) noexcept {
  constexpr std::string_view kRequest =
      "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  const Deadline deadline = std::chrono::steady_clock::now() + within;
  const int fd = start_connecting(numeric_host, port);
  if (fd < 0) return false;
  const bool reacted =
      await(fd, POLLOUT, deadline) && is_connected(fd) &&
      ::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) > 0 &&
      is_hung_up(fd, deadline);
  ::close(fd);
  return reacted;
}

}  // namespace dbpool::exporter
