// The little of addresses that civetweb leaves to its callers.
#ifndef DBPOOL_EXPORTER_HTTP_ADDRESSES_H_
#define DBPOOL_EXPORTER_HTTP_ADDRESSES_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "exporter/http/listen_address.h"

namespace dbpool::exporter {

// As civetweb takes it: an IPv6 address in brackets, "" for all addresses.
struct NumericAddress {
  std::string host;
  std::uint16_t port = 0;
};

// Looks the names up and keeps what they lead to, so that to_numeric() asks no
// more. The error is that of to_numeric(). Blocks in DNS.
tl::expected<void, std::string> resolve(std::vector<ListenAddress>& listen);

// The addresses with their names resolved, to the first IPv4 address of each.
// The error names the first that cannot be. Blocks in DNS, unless resolve()
// has.
tl::expected<std::vector<NumericAddress>, std::string> to_numeric(
    const std::vector<ListenAddress>& listen);

// Why a server could not listen on all of them now, naming the first that is no
// good; nullopt if it could. Listens on each, and lets go of them. Blocks as
// to_numeric() does.
std::optional<std::string> why_not_listen(
    const std::vector<ListenAddress>& listen);

// Connects to a server and hangs up at once, without waiting. An empty host
// is this machine, an IPv6 address stands in brackets.
void knock(const std::string& numeric_host, std::uint16_t port) noexcept;

// Asks a server for /-/healthy: whether it is done with the connection in
// time. One that demands TLS or a password is as well, by refusing. The host is
// as for knock(). Blocks until then.
bool reacts(const std::string& numeric_host, std::uint16_t port,
            std::chrono::milliseconds within) noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_ADDRESSES_H_
