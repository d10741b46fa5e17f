#include "exporter/targets/allow_list.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>

namespace dbpool::exporter {

namespace {

bool matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with('*')) return pattern == host;
  pattern.remove_prefix(1);  // "" or ".example.org"
  return host.size() > pattern.size() && host.ends_with(pattern);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || rest != end || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::optional<PortRange> PortRange::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = parse_port(text.substr(0, dash));
  const auto last = dash == std::string_view::npos
                        ? first
                        : parse_port(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

std::string PortRange::text() const {
  const std::string from = std::to_string(first);
  return first == last ? from : from + "-" + std::to_string(last);
}

bool AllowList::allows(const TargetName& target) const {
  if (!allows_port(target.port)) return false;
  if (target.literal) {
    return is_of_a_network(*target.literal) && allows(*target.literal);
  }
  return std::ranges::any_of(hosts, [&](const std::string& pattern) {
    return matches(pattern, target.host);
  });
}

std::vector<std::string> AllowList::usable(
    const std::vector<std::string>& addresses) const {
  std::vector<std::string> usable;
  for (const std::string& text : addresses) {
    const auto address = IpAddress::parse(text.substr(0, text.find('%')));
    if (address && allows(*address)) usable.push_back(text);
  }
  return usable;
}

bool AllowList::allows(const IpAddress& address) const {
  const AddressKind kind = address.kind();
  if (kind == AddressKind::kNever) return false;
  if (kind == AddressKind::kLoopback && !allow_loopback) return false;
  if (kind == AddressKind::kLinkLocal && !allow_link_local) return false;
  return networks.empty() || is_of_a_network(address);
}

bool AllowList::allows_port(std::uint16_t port) const {
  return ports.empty() ||
         std::ranges::any_of(ports, [&](const PortRange& range) {
           return range.first <= port && port <= range.last;
         });
}

bool AllowList::is_of_a_network(const IpAddress& address) const {
  return std::ranges::any_of(networks, [&](const Network& network) {
    return network.contains(address);
  });
}

}  // namespace dbpool::exporter
