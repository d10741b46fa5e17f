#include "tests/support/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <stdexcept>

namespace dbpool::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

UniqueFd tcp_socket() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) {
    throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
  }
  return fd;
}

bool try_bind(int fd, int port) {
  const sockaddr_in address = loopback(port);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0;
}

}  // namespace

int free_port() {
  thread_local std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<int> ports(15000, 32000);
  for (int i = 0; i < 1000; ++i) {
    const int port = ports(random);
    if (try_bind(tcp_socket().get(), port)) return port;
  }
  throw std::runtime_error("no free port on 127.0.0.1");
}

UniqueFd connect_to(int port) {
  UniqueFd fd = tcp_socket();
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) != 0) {
    throw std::runtime_error("connect to 127.0.0.1:" + std::to_string(port) +
                             ": " + std::strerror(errno));
  }
  return fd;
}

UniqueFd connect_to_ipv6(int port) {
  UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(static_cast<std::uint16_t>(port));
  address.sin6_addr = in6addr_loopback;
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                       sizeof(address)) != 0) {
    throw std::runtime_error("connect to [::1]:" + std::to_string(port) + ": " +
                             std::strerror(errno));
  }
  return fd;
}

UniqueFd listen_on(int port, int backlog) {
  UniqueFd fd = tcp_socket();
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (!try_bind(fd.get(), port) || ::listen(fd.get(), backlog) != 0) {
    throw std::runtime_error("listen on 127.0.0.1:" + std::to_string(port) +
                             ": " + std::strerror(errno));
  }
  return fd;
}

}  // namespace dbpool::test
