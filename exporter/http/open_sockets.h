// The connections that a server in this process has accepted, as the kernel
// knows them: civetweb does not give its sockets away.
#ifndef DBPOOL_EXPORTER_HTTP_OPEN_SOCKETS_H_
#define DBPOOL_EXPORTER_HTTP_OPEN_SOCKETS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbpool::exporter {

// E.g. "192.0.2.1 45000": the other end of a connection.
std::string client_name(std::string_view address, int port);

struct OpenSocket {
  int fd = -1;
  std::string client;  // client_name()
  // It has sent something of which the server has read nothing yet.
  bool is_unread = false;
};

// Of this process, of any kind: there are no more open sockets than these, and
// it is much cheaper to tell. None where /proc is not to be had.
std::vector<int> open_descriptors();

// Those of the descriptors that were accepted on one of the ports.
std::vector<OpenSocket> open_sockets(const std::vector<int>& descriptors,
                                     const std::vector<std::uint16_t>& ports);

// Ends both directions of the connection if the descriptor still is that
// client's; whoever reads or writes there sees the end.
void hang_up(const OpenSocket& socket) noexcept;

// The numeric address of the other end; nullopt if it is no TCP connection.
std::optional<std::string> client_address(int fd);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_OPEN_SOCKETS_H_
