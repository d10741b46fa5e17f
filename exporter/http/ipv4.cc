#include "exporter/http/ipv4.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace dbpool::exporter {

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

void knock(const std::string& numeric_host, std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const char* host = numeric_host.empty() ? "127.0.0.1" : numeric_host.c_str();
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) return;
  const int fd =
      ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  (void)::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address));
  ::close(fd);
}

}  // namespace dbpool::exporter
