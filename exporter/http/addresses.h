// The little of addresses that civetweb leaves to its callers.
#ifndef DBPOOL_EXPORTER_HTTP_ADDRESSES_H_
#define DBPOOL_EXPORTER_HTTP_ADDRESSES_H_

#include <cstdint>
#include <string>
#include <tl/expected.hpp>

namespace dbpool::exporter {

// The first IPv4 address of a name or address, e.g. "127.0.0.1" for
// "localhost"; the error says why there is none. Blocks in DNS.
tl::expected<std::string, std::string> numeric_ipv4(const std::string& host);

// Connects to a server and hangs up at once, without waiting. An empty host
// is this machine, an IPv6 address stands in brackets.
void knock(const std::string& numeric_host, std::uint16_t port) noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_ADDRESSES_H_
