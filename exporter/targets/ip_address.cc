#include "exporter/targets/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>

#include "exporter/settings/parsers.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kV4At = 12;  // where the bytes of an IPv4 address begin
constexpr unsigned kV4Bits = 96;   // the same in bits

template <typename Bytes>
bool starts_with(const Bytes& bytes,
                 std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  Bytes bytes{};
  if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) {
    return IpAddress(bytes);
  }
  bytes[10] = bytes[11] = 0xff;
  if (::inet_pton(AF_INET, copy.c_str(), bytes.data() + kV4At) == 1) {
    return IpAddress(bytes);
  }
  return std::nullopt;
}

bool IpAddress::is_v4() const noexcept {
  return starts_with(bytes_, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff});
}

AddressKind IpAddress::kind_of_v4_at(std::size_t at) const noexcept {
  const std::uint8_t first = bytes_[at];
  if (first == 127) return AddressKind::kLoopback;
  if (first == 169 && bytes_[at + 1] == 254) return AddressKind::kLinkLocal;
  if (first == 0 || first >= 224) return AddressKind::kNever;
  return AddressKind::kOrdinary;
}

AddressKind IpAddress::kind() const noexcept {
  if (is_v4()) return kind_of_v4_at(kV4At);
  if (starts_with(bytes_, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return kind_of_v4_at(kV4At);
  }
  if (starts_with(bytes_, {0x20, 0x02})) return kind_of_v4_at(2);
  // Local-use NAT64 and Teredo have an IPv4 address in one place or another.
  if (starts_with(bytes_, {0, 0x64, 0xff, 0x9b}) ||
      starts_with(bytes_, {0x20, 0x01, 0, 0})) {
    return AddressKind::kNever;
  }
  if (bytes_[0] == 0xff) return AddressKind::kNever;
  if (bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80) {
    return AddressKind::kLinkLocal;
  }
  // ::, ::1, and IPv4 addresses without the mark of such.
  if (starts_with(bytes_, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) {
    const bool is_one =
        starts_with(bytes_, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    return is_one ? AddressKind::kLoopback : AddressKind::kNever;
  }
  return AddressKind::kOrdinary;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (is_v4()) {
    ::inet_ntop(AF_INET, bytes_.data() + kV4At, text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  }
  return text.data();
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto first = IpAddress::parse(text.substr(0, slash));
  if (!first) return std::nullopt;
  const bool is_dotted = text.find(':') == std::string_view::npos;
  const unsigned before = is_dotted ? kV4Bits : 0;
  std::uint64_t bits = 128 - before;
  if (slash != std::string_view::npos) {
    const auto given = digits(text.substr(slash + 1));
    if (!given || *given > bits) return std::nullopt;
    bits = *given;
  }
  const Network network(*first, static_cast<unsigned>(bits) + before);
  for (unsigned bit = network.bits_; bit < 128; ++bit) {
    if ((first->bytes_[bit / 8] & (0x80U >> bit % 8)) != 0) return std::nullopt;
  }
  return network;
}

bool Network::contains(const IpAddress& address) const noexcept {
  if (address.is_v4() != first_.is_v4()) return false;
  for (unsigned bit = 0; bit < bits_; ++bit) {
    const unsigned differs =
        unsigned{first_.bytes_[bit / 8]} ^ address.bytes_[bit / 8];
    if ((differs & (0x80U >> bit % 8)) != 0) return false;
  }
  return true;
}

std::string Network::text() const {
  return first_.text() + "/" +
         std::to_string(first_.is_v4() ? bits_ - kV4Bits : bits_);
}

}  // namespace dbpool::exporter
