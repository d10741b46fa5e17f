#include "exporter/http/addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

namespace dbpool::exporter {

namespace {

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

}  // namespace

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

std::optional<std::string> why_not_listen(
    const std::vector<NumericAddress>& addresses, std::size_t& failed) {
  std::vector<int> sockets;
  std::optional<std::string> why;
  for (failed = 0; failed < addresses.size(); ++failed) {
    const auto& [host, port] = addresses[failed];
    const Found found = look_up(host.empty() ? "0.0.0.0" : host, port);
    if (!found) continue;  // the server will tell
    if (!listen_on(*found, sockets)) {
      why = std::error_code(errno, std::generic_category()).message();
      break;
    }
  }
  for (const int fd : sockets) ::close(fd);
  return why;
}

void knock(const std::string& numeric_host, std::uint16_t port) noexcept {
  const Found found =
      look_up(numeric_host.empty() ? "127.0.0.1" : numeric_host, port);
  if (!found) return;
  const int fd = ::socket(found->ai_family, kSocketType, 0);
  if (fd < 0) return;
  (void)::connect(fd, found->ai_addr, found->ai_addrlen);
  ::close(fd);
}

}  // namespace dbpool::exporter
