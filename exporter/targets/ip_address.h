// IpAddress and Network: where a target may be.
//
// Thread-safety: plain values and pure functions.
#ifndef DBPOOL_EXPORTER_TARGETS_IP_ADDRESS_H_
#define DBPOOL_EXPORTER_TARGETS_IP_ADDRESS_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dbpool::exporter {

// What an address is good for, whatever a list says.
enum class AddressKind : std::uint8_t {
  kOrdinary,
  kLoopback,   // 127.0.0.0/8, ::1
  kLinkLocal,  // 169.254.0.0/16 (metadata of clouds), fe80::/10
  kNever,      // unspecified, multicast, broadcast, reserved
};

// An IPv4 address in IPv6 clothes (::ffff:10.0.0.1) is the IPv4 address.
class IpAddress {
 public:
  // Dotted decimal of four numbers without leading zeros, or IPv6 without
  // brackets and zone: what inet_pton(3) takes, nothing else.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const noexcept;
  // Of an address that leads to an IPv4 network (6to4, NAT64) that of the
  // IPv4 address within.
  AddressKind kind() const noexcept;
  // As inet_ntop(3) writes it.
  std::string text() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  friend class Network;
  using Bytes = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d

  explicit IpAddress(const Bytes& bytes) : bytes_(bytes) {}
  AddressKind kind_of_v4_at(std::size_t at) const noexcept;

  Bytes bytes_;
};

class Network {
 public:
  // "10.0.0.0/8", "fd00::/8", "10.0.0.7": no bit may be set behind the prefix.
  static std::optional<Network> parse(std::string_view text);

  // An IPv4 address is in no IPv6 network, not in ::/0 either.
  bool contains(const IpAddress& address) const noexcept;
  std::string text() const;

  bool operator==(const Network&) const = default;

 private:
  Network(const IpAddress& first, unsigned bits) : first_(first), bits_(bits) {}

  IpAddress first_;
  unsigned bits_;  // of all 128
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_TARGETS_IP_ADDRESS_H_
