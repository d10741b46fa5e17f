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

#include "exporter/at_end.h"

namespace dbpool::exporter {

namespace {

struct Name {
  std::string address;
  std::uint16_t port = 0;
};

using AskName = int (*)(int, sockaddr*, socklen_t*);

// Of our end (getsockname) or the other (getpeername); nullopt for what is no
// TCP socket, or has no such end.
std::optional<Name> name_of(int fd, AskName ask) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (ask(fd, any, &size) != 0) return std::nullopt;
  if (any->sa_family != AF_INET && any->sa_family != AF_INET6) {
    return std::nullopt;
  }
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (getnameinfo(any, size, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return std::nullopt;
  }
  return Name{host.data(), static_cast<std::uint16_t>(std::atoi(port.data()))};
}

std::optional<std::string> client_of(int fd) {
  const auto name = name_of(fd, &getpeername);
  if (!name) return std::nullopt;
  return client_name(name->address, name->port);
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

std::vector<int> all_descriptors() {
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

// The address of a socket that listens everywhere.
bool is_any(std::string_view address) {
  return address == "0.0.0.0" || address == "::";
}

}  // namespace

std::string client_name(std::string_view address, int port) {
  return std::string(address) + ' ' + std::to_string(port);
}

std::vector<OpenSocket> open_sockets(const std::vector<std::uint16_t>& ports) {
  struct Own {
    int fd;
    Name name;
  };
  std::vector<Own> listeners;
  std::vector<Own> others;
  for (const int fd : all_descriptors()) {
    auto name = name_of(fd, &getsockname);
    if (!name || std::ranges::find(ports, name->port) == ports.end()) continue;
    (is_listening(fd) ? listeners : others).push_back({fd, *std::move(name)});
  }
  std::vector<OpenSocket> found;
  for (const auto& [fd, name] : others) {
    // A connection of our own to elsewhere may have the same port.
    const bool is_accepted =
        std::ranges::any_of(listeners, [&own = name](const Own& listener) {
          return listener.name.port == own.port &&
                 (is_any(listener.name.address) ||
                  listener.name.address == own.address);
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
  auto name = name_of(fd, &getpeername);
  if (!name) return std::nullopt;
  return std::move(name->address);
}

}  // namespace dbpool::exporter
