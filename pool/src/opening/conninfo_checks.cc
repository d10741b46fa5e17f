// What is checked of keywords' values beyond libpq's own checks.

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "dbpool/utf8.h"
#include "pool/src/opening/conninfo.h"
#include "pool/src/opening/resolver.h"

namespace dbpool::detail {
namespace {

struct Choices {
  std::string_view keyword;
  std::array<std::string_view, 6> values;  // unused ones are empty
};

constexpr std::array kChoices = {
    Choices{
        "sslmode",
        {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}},
    Choices{"target_session_attrs",
            {"any", "read-write", "read-only", "primary", "standby",
             "prefer-standby"}},
    Choices{"gssencmode", {"disable", "prefer", "require"}},
    Choices{"channel_binding", {"disable", "prefer", "require"}},
};

constexpr std::array<std::string_view, 6> kNumbers = {
    "connect_timeout",     "keepalives",       "keepalives_idle",
    "keepalives_interval", "keepalives_count", "tcp_user_timeout"};

Expected<void> check_choice(const Choices& choices, std::string_view value) {
  std::string accepted;
  for (std::string_view choice : choices.values) {
    if (choice.empty()) break;
    if (choice == value) return {};
    accepted += (accepted.empty() ? "" : ", ") + std::string(choice);
  }
  return bad_conninfo(std::string(choices.keyword) +
                      " has an unknown value; accepted are " + accepted);
}

bool is_number(std::string_view text, int least, int most) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end && number >= least &&
         number <= most;
}

Expected<void> check_ports(std::string_view value) {
  for (const std::string& port : split_list(value)) {
    if (port.empty() || is_number(port, 1, 65535)) continue;
    return bad_conninfo("a port is not a number from 1 to 65535" +
                        std::string(kEncodingHint));
  }
  return {};
}

Expected<void> check_addresses(std::string_view value) {
  for (const std::string& address : split_list(value)) {
    if (address.empty() || is_numeric_address(address)) continue;
    return bad_conninfo(
        "hostaddr is not an IPv4 or IPv6 address; host takes names");
  }
  return {};
}

// These become labels and log fields.
bool must_be_text(std::string_view keyword) {
  return keyword == "host" || keyword == "user" || keyword == "dbname";
}

}  // namespace

Expected<void> check_value(std::string_view keyword, std::string_view value) {
  if (value.size() > kMaxConnectionText) {
    return bad_conninfo(std::string(keyword) + " is longer than " +
                        std::to_string(kMaxConnectionText) + " bytes");
  }
  if (value.find('\0') != std::string_view::npos) {
    return bad_conninfo(std::string(keyword) + " holds a NUL byte");
  }
  if (must_be_text(keyword) && !is_utf8(value)) {
    return bad_conninfo(std::string(keyword) + " is not valid UTF-8");
  }
  if (value.empty()) return {};
  if (keyword == "port") return check_ports(value);
  if (keyword == "hostaddr") return check_addresses(value);
  for (const Choices& choices : kChoices) {
    if (choices.keyword == keyword) return check_choice(choices, value);
  }
  if (std::ranges::find(kNumbers, keyword) != kNumbers.end() &&
      !is_number(value, -1, 1'000'000'000)) {
    return bad_conninfo(std::string(keyword) + " is not a whole number");
  }
  return {};
}

Expected<void> check_lists(const ConnValues& values) {
  const std::string names = value_of(values, "host");
  const std::string addresses = value_of(values, "hostaddr");
  const std::string ports = value_of(values, "port");
  const std::size_t hosts =
      split_list(addresses.empty() ? names : addresses).size();
  const std::string text = std::to_string(hosts);
  if (hosts > kMaxHosts) {
    return bad_conninfo("the connection string names " + text +
                        " hosts; at most " + std::to_string(kMaxHosts) +
                        " are accepted");
  }
  const std::size_t named = names.empty() ? hosts : split_list(names).size();
  if (named != hosts) {
    return bad_conninfo("host lists " + std::to_string(named) +
                        " names and hostaddr " + text +
                        " addresses; accepted is one address for each name");
  }
  // Hosts that come from the environment are libpq's to match.
  const std::size_t ported = split_list(ports).size();
  if ((!names.empty() || !addresses.empty()) && ported != 1 &&
      ported != hosts) {
    return bad_conninfo("there are " + std::to_string(ported) + " ports for " +
                        text + " hosts; accepted is one for all, or one each");
  }
  return {};
}

}  // namespace dbpool::detail
