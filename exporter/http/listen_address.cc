#include "exporter/http/listen_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "exporter/base/ascii.h"

namespace dbpool::exporter {

namespace {

constexpr std::string_view kAccepted =
    ":port, host:port or [IPv6]:port, the port from 0 (any free one) to 65535";

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stop != end) return std::nullopt;
  return port;
}

bool is_host_name(std::string_view host) {
  return host.size() <= 253 &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return is_name_char(c) || c == '-' || c == '.';
         });
}

bool is_ipv6(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

tl::expected<ListenAddress, std::string> parse_listen_address(
    std::string_view text) {
  const auto refused = tl::make_unexpected(std::string(kAccepted));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refused;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return refused;
  std::string host(text.substr(0, colon));
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!is_ipv6(host)) return refused;
  } else if (!is_host_name(host)) {
    return refused;
  }
  return ListenAddress{std::move(host), *port};
}

std::string to_string(const ListenAddress& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" +
         std::to_string(address.port);
}

}  // namespace dbpool::exporter
