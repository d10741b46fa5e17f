#ifndef DBPOOL_EXPORTER_HTTP_LISTEN_ADDRESS_H_
#define DBPOOL_EXPORTER_HTTP_LISTEN_ADDRESS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace dbpool::exporter {

// Where to listen.
struct ListenAddress {
  std::string host;        // empty: every IPv4 address; IPv6 without brackets
  std::uint16_t port = 0;  // 0: any free one
  // The host as civetweb takes it, once resolve() has looked it up.
  std::string numeric = {};

  bool operator==(const ListenAddress&) const = default;
};

// ":10187", "127.0.0.1:10187", "localhost:10187" or "[::1]:10187". The error
// says what is accepted.
tl::expected<ListenAddress, std::string> parse_listen_address(
    std::string_view text);

// The form that parse_listen_address() takes.
std::string to_string(const ListenAddress& address);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_LISTEN_ADDRESS_H_
