#include "exporter/http/open_sockets.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <exception>
#include <memory>

#include "exporter/base/at_end.h"

namespace dbpool::exporter {

namespace {

// One end of a TCP connection.
union End {
  sockaddr any;
  sockaddr_in ip4;
  sockaddr_in6 ip6;
  sockaddr_storage space{};
};

bool is_ip4(const End& end) { return end.any.sa_family == AF_INET; }

std::uint16_t port_of(const End& end) {
  return ntohs(is_ip4(end) ? end.ip4.sin_port : end.ip6.sin6_port);
}

// "" if it cannot be written.
std::string address_of(const End& end) {
  std::array<char, NI_MAXHOST> host{};
  getnameinfo(&end.any, is_ip4(end) ? sizeof(end.ip4) : sizeof(end.ip6),
              host.data(), host.size(), nullptr, 0, NI_NUMERICHOST);
  return host.data();
}

using AskName = int (*)(int, sockaddr*, socklen_t*);

// Our end (getsockname) or the other (getpeername); nullopt for what is no TCP
// socket, or has no such end.
std::optional<End> end_of(int fd, AskName ask) {
  End end;
  socklen_t size = sizeof(end);
  if (ask(fd, &end.any, &size) != 0) return std::nullopt;
  if (end.any.sa_family != AF_INET && end.any.sa_family != AF_INET6) {
    return std::nullopt;
  }
  return end;
}

std::optional<std::string> client_of(int fd) {
  const auto end = end_of(fd, &getpeername);
  if (!end) return std::nullopt;
  return client_name(address_of(*end), port_of(*end));
}

bool is_listening(int fd) {
  int listening = 0;
  socklen_t size = sizeof(listening);
  getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
  return listening != 0;
}

// All that came has not been taken yet.
bool is_unread(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  int unread = 0;
  ioctl(fd, FIONREAD, &unread);
  return unread > 0 &&
         info.tcpi_bytes_received <= static_cast<std::uint64_t>(unread);
}

// The address of a socket that listens everywhere.
bool is_any(std::string_view address) {
  return address == "0.0.0.0" || address == "::";
}

}  // namespace

std::string client_name(std::string_view address, int port) {
  return std::string(address) + ' ' + std::to_string(port);
}

std::vector<int> open_descriptors() {
  std::vector<int> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"),
                                                   &closedir);
  if (folder == nullptr) return all;
  // readdir() is safe on a stream of one's own.
  while (const dirent* entry =
             readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe)
    if (entry->d_name[0] != '.') all.push_back(std::atoi(entry->d_name));
  }
  return all;
}

std::vector<OpenSocket> open_sockets(const std::vector<int>& descriptors,
                                     const std::vector<std::uint16_t>& ports) {
  struct Own {
    int fd;
    std::uint16_t port;
    std::string address;
  };
  std::vector<Own> listeners;
  std::vector<Own> others;
  for (const int fd : descriptors) {
    const auto end = end_of(fd, &getsockname);
    if (!end) continue;
    const std::uint16_t port = port_of(*end);
    if (std::ranges::find(ports, port) == ports.end()) continue;
    (is_listening(fd) ? listeners : others)
        .push_back({fd, port, address_of(*end)});
  }
  std::vector<OpenSocket> found;
  for (const auto& [fd, port, address] : others) {
    // A connection of our own to elsewhere may have the same port.
    const bool is_accepted = std::ranges::any_of(
        listeners, [own_port = port, &own = address](const Own& listener) {
          return listener.port == own_port &&
                 (is_any(listener.address) || listener.address == own);
        });
    if (!is_accepted) continue;
    if (auto client = client_of(fd)) {
      found.push_back({fd, *std::move(client), is_unread(fd)});
    }
  }
  return found;
}

void hang_up(const OpenSocket& socket) noexcept {
  // A duplicate stays the same connection, whoever closes the original now.
  const int fd = ::fcntl(socket.fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return;
  const AtEnd close{[fd] { ::close(fd); }};
  try {
    if (client_of(fd) == socket.client) ::shutdown(fd, SHUT_RDWR);
  } catch (const std::exception&) {  // out of memory: another time
  }
}

std::optional<std::string> client_address(int fd) {
  const auto end = end_of(fd, &getpeername);
  if (!end) return std::nullopt;
  return address_of(*end);
}

}  // namespace dbpool::exporter
