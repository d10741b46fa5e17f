// The little of addresses that civetweb leaves to its callers.
#ifndef DBPOOL_EXPORTER_HTTP_ADDRESSES_H_
#define DBPOOL_EXPORTER_HTTP_ADDRESSES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace dbpool::exporter {

// The first IPv4 address of a name or address, e.g. "127.0.0.1" for
// "localhost"; the error says why there is none. Blocks in DNS.
tl::expected<std::string, std::string> numeric_ipv4(const std::string& host);

// Why a server cannot listen on the addresses, all at once; nullopt if it can.
// `failed` becomes the index of the first that is no good. Listens on each and
// lets go of it. Hosts as knock() takes them, an empty one for all addresses.
struct NumericAddress {
  std::string host;
  std::uint16_t port = 0;
};
std::optional<std::string> why_not_listen(
    const std::vector<NumericAddress>& addresses, std::size_t& failed);

// Connects to a server and hangs up at once, without waiting. An empty host
// is this machine, an IPv6 address stands in brackets.
void knock(const std::string& numeric_host, std::uint16_t port) noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_ADDRESSES_H_
