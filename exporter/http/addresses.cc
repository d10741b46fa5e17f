#include "exporter/http/addresses.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
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
  const Found found =
      look_up(numeric_host.empty() ? "127.0.0.1" : numeric_host, port);
  if (!found) return;
  const int fd = ::socket(found->ai_family, kSocketType, 0);
  if (fd < 0) return;
  (void)::connect(fd, found->ai_addr, found->ai_addrlen);
  ::close(fd);
}

}  // namespace dbpool::exporter
