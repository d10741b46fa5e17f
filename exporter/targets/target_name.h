// TargetName: what the parameter `target` of /probe names. Others write it, so
// it is read strictly:
//
//   HOST[:PORT][/DATABASE]
//
//   HOST      a DNS name, four decimal numbers, or IPv6 in brackets
//   DATABASE  letters, digits, '_', '-', '.' and '$', up to 63
//
// There is no way to say a user, a password, an option, a socket or a second
// host, and numbers that only some read as an address (127.1, 0x7f000001,
// 017700000001) are no names.
#ifndef DBPOOL_EXPORTER_TARGETS_TARGET_NAME_H_
#define DBPOOL_EXPORTER_TARGETS_TARGET_NAME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "exporter/targets/ip_address.h"

namespace dbpool::exporter {

struct TargetName {
  std::string host;                  // in lower case; no brackets
  std::optional<IpAddress> literal;  // where HOST is an address
  std::uint16_t port = 5432;
  std::string database;  // empty: the module's
};

// Normalised: two texts that mean one target give the same. The error is what
// is expected, and holds nothing of the text, which may have a password in it.
tl::expected<TargetName, std::string> parse_target(std::string_view text);

// A DNS name, as it stands in a target or in a module's `hosts`; in lower case
// and without a dot at its end. Nullopt: none.
std::optional<std::string> parse_host_name(std::string_view text);

// "db.example:5432/orders", "[::1]:5432/orders".
std::string to_string(const TargetName& target);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_TARGET_NAME_H_
