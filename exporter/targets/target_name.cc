#include "exporter/targets/target_name.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "exporter/base/ascii.h"
#include "exporter/settings/parsers.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kLongestName = 253;     // RFC 1035
constexpr std::size_t kLongestLabel = 63;     // likewise
constexpr std::size_t kLongestDatabase = 63;  // NAMEDATALEN - 1

using BadTarget = tl::unexpected<std::string>;

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel &&
         label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(
             label, [](char c) { return is_name_char(c) || c == '-'; });
}

// Some take the whole for an address when its last label is a number.
bool is_number(std::string_view label) {
  const bool is_hex = label.starts_with("0x") || label.starts_with("0X");
  return is_hex || std::ranges::all_of(label, is_digit);
}

bool is_database(std::string_view text) {
  return !text.empty() && text.size() <= kLongestDatabase &&
         std::ranges::all_of(text, [](char c) {
           return is_name_char(c) || c == '-' || c == '.' || c == '$';
         });
}

// Takes the host from the front of `text`.
bool take_host(std::string_view& text, TargetName& target) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    target.literal = IpAddress::parse(text.substr(1, end - 1));
    const bool is_v6 = text.substr(0, end).find(':') != std::string_view::npos;
    text.remove_prefix(end + 1);
    if (!target.literal || !is_v6) return false;
    target.host = target.literal->text();
    return true;
  }
  const std::string_view host = text.substr(0, text.find_first_of(":/"));
  text.remove_prefix(host.size());
  target.literal = IpAddress::parse(host);
  if (target.literal) {
    target.host = target.literal->text();
    return true;
  }
  auto name = parse_host_name(host);
  if (!name) return false;
  target.host = *std::move(name);
  return true;
}

}  // namespace

std::optional<std::string> parse_host_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kLongestName) return std::nullopt;
  std::string_view rest = text;
  for (;;) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (!is_label(label)) return std::nullopt;
    if (label.size() == rest.size()) {
      if (is_number(label)) return std::nullopt;
      break;
    }
    rest.remove_prefix(label.size() + 1);
  }
  return in_lower_case(text);
}

tl::expected<TargetName, std::string> parse_target(std::string_view text) {
  TargetName target;
  if (!take_host(text, target)) {
    return BadTarget(
        "expected HOST[:PORT][/DATABASE] with a DNS name, an IPv4 address or "
        "an IPv6 address in brackets as HOST");
  }
  if (text.starts_with(':')) {
    const std::string_view given = text.substr(1, text.find('/') - 1);
    text.remove_prefix(given.size() + 1);
    std::uint16_t port = 0;
    if (parse_number(given, 1, std::uint16_t{65535}, port)) {
      return BadTarget("expected a PORT from 1 to 65535");
    }
    target.port = port;
  }
  if (text.empty()) return target;
  if (!text.starts_with('/') || !is_database(text.substr(1))) {
    return BadTarget(
        "expected a DATABASE of up to 63 letters, digits, '_', '-', '.' and "
        "'$'");
  }
  target.database = text.substr(1);
  return target;
}

std::string to_string(const TargetName& target) {
  const bool is_v6 = target.literal && !target.literal->is_v4();
  return (is_v6 ? "[" + target.host + "]" : target.host) + ":" +
         std::to_string(target.port) + "/" + target.database;
}

}  // namespace dbpool::exporter
