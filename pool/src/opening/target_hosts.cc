#include "pool/src/opening/target_hosts.h"

#include <string>
#include <string_view>
#include <utility>

namespace dbpool::detail {
namespace {

constexpr std::string_view kDefaultPort = "5432";

}  // namespace

std::vector<ConnectionString::Host> hosts_in(const ConnValues& effective) {
  const auto names = split_list(value_of(effective, "host"));
  const auto addresses = split_list(value_of(effective, "hostaddr"));
  const auto ports = split_list(value_of(effective, "port"));
  const auto element = [](const std::vector<std::string>& list, std::size_t i) {
    return i < list.size() ? list[i] : std::string();
  };
  const bool by_address = !value_of(effective, "hostaddr").empty();
  const std::size_t count = by_address ? addresses.size() : names.size();
  std::vector<ConnectionString::Host> hosts;
  for (std::size_t i = 0; i < count; ++i) {
    ConnectionString::Host host;
    host.address = element(addresses, i);
    host.name = element(names, i);
    if (host.name.empty()) host.name = host.address;
    if (host.name.empty()) host.name = default_socket_folder();
    host.port = element(ports, ports.size() == 1 ? 0 : i);
    if (host.port.empty()) host.port = kDefaultPort;
    hosts.push_back(std::move(host));
  }
  return hosts;
}

}  // namespace dbpool::detail
