#include "exporter/targets/allow_list.h"

#include <algorithm>
#include <string_view>

namespace dbpool::exporter {

namespace {

bool matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with('*')) return pattern == host;
  pattern.remove_prefix(1);  // "" or ".example.org"
  return host.size() > pattern.size() && host.ends_with(pattern);
}

}  // namespace

bool AllowList::allows(const TargetName& target) const {
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

bool AllowList::is_of_a_network(const IpAddress& address) const {
  return std::ranges::any_of(networks, [&](const Network& network) {
    return network.contains(address);
  });
}

}  // namespace dbpool::exporter
