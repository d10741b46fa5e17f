// AllowList: which targets a module may be asked for. /probe sends a module's
// credentials to where its caller says, so the answer is no unless the list
// says yes:
//
//   an address  must be in one of `networks`
//   a name      must be one of `hosts`; each address that it has and that is
//               used must be in one of `networks`, too, where there are any
//   a port      must be in one of `ports`, where there are any
//   all         no loopback and link-local addresses unless allowed, and
//               never one that is unspecified, multicast or reserved
//
// What is looked at is what is connected to: the addresses of a name are
// resolved once, and the connection goes to those that passed.
#ifndef DBPOOL_EXPORTER_TARGETS_ALLOW_LIST_H_
#define DBPOOL_EXPORTER_TARGETS_ALLOW_LIST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/targets/ip_address.h"
#include "exporter/targets/target_name.h"

namespace dbpool::exporter {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;  // not before `first`

  // "5432" or "6432-6440"; nullopt: neither.
  static std::optional<PortRange> parse(std::string_view text);
  std::string text() const;

  bool operator==(const PortRange&) const = default;
};

// Thread-safety: a plain value.
struct AllowList {
  // In lower case: a name, "*.NAME" for all below it, or "*".
  std::vector<std::string> hosts;
  std::vector<Network> networks;
  std::vector<PortRange> ports;  // empty: all
  bool allow_loopback = false;
  bool allow_link_local = false;

  // As far as it can be told without an address of its name.
  bool allows(const TargetName& target) const;
  // Of those that a target has the ones that may be connected to, in their
  // order, as they are: numeric, with or without a zone.
  std::vector<std::string> usable(
      const std::vector<std::string>& addresses) const;

  bool operator==(const AllowList&) const = default;

 private:
  bool allows(const IpAddress& address) const;
  bool allows_port(std::uint16_t port) const;
  bool is_of_a_network(const IpAddress& address) const;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_ALLOW_LIST_H_
