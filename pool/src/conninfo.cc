#include "pool/src/conninfo.h"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <span>
#include <utility>

#include "pool/src/resolver.h"
#include "pool/src/text.h"

namespace dbpool::detail {
namespace {

using OptionList = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr std::string_view kAccepted =
    "; accepted are postgresql://user:password@host:port/database"
    "?keyword=value and keyword=value pairs such as host=db dbname=orders";

constexpr std::string_view kEncodingHint =
    " (in a URI the characters : / ? # @ and % of a user name or password "
    "are written as %3A %2F %3F %23 %40 and %25)";

Unexpected usage_error(std::string message) {
  return Unexpected(
      Error{.kind = ErrorKind::kUsage, .message = std::move(message)});
}

Unexpected malformed(std::string_view what) {
  return usage_error("the connection string is malformed: " +
                     std::string(what) + std::string(kAccepted));
}

struct Diagnosis {
  std::string_view libpq;  // part of libpq's message
  std::string_view words;  // ours, without the quotation in it
};

constexpr std::array kDiagnoses = {
    Diagnosis{"unterminated quoted", "a quote is not closed"},
    Diagnosis{"missing \"=\" after", "a keyword is not followed by ="},
    Diagnosis{"invalid connection option", "a keyword is unknown"},
    Diagnosis{"invalid URI query parameter",
              "a keyword in the query of the URI is unknown"},
    Diagnosis{"matching \"]\"", "the ] after an IPv6 address is missing"},
    Diagnosis{"IPv6 host address may not be empty",
              "the IPv6 address in [] is empty"},
    Diagnosis{"unexpected character",
              "something other than a port or a path follows the ] of an "
              "IPv6 address"},
    Diagnosis{"key/value separator",
              "the query of the URI is not keyword=value pairs joined by &"},
    Diagnosis{"invalid percent-encoded",
              "a % is not followed by two hexadecimal digits"},
    Diagnosis{"forbidden value", "%00 is not allowed"},
};

bool is_uri(std::string_view text) {
  return text.starts_with("postgresql://") || text.starts_with("postgres://");
}

// libpq's own message quotes the text, so only what it is about is taken.
Unexpected diagnose(std::string_view text, std::string_view libpq_message) {
  if (!is_uri(text) && text.find("://") < text.find('=')) {
    return malformed("it begins with another scheme than postgresql://");
  }
  for (const Diagnosis& diagnosis : kDiagnoses) {
    if (libpq_message.find(diagnosis.libpq) == std::string_view::npos) continue;
    return malformed(std::string(diagnosis.words) +
                     std::string(is_uri(text) ? kEncodingHint : ""));
  }
  return malformed("libpq cannot parse it");
}

Expected<void> check_text(std::string_view text) {
  if (text.size() > kMaxConnectionText) {
    return usage_error("the connection string is longer than " +
                       std::to_string(kMaxConnectionText) + " bytes");
  }
  if (text.find('\0') != std::string_view::npos) {
    return malformed("it holds a NUL byte");
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return usage_error("the connection string is empty" +
                       std::string(kAccepted) +
                       "; postgresql:// alone stands for libpq's defaults");
  }
  return {};
}

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
  return usage_error(std::string(choices.keyword) +
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
    return usage_error("a port is not a number from 1 to 65535" +
                       std::string(kEncodingHint));
  }
  return {};
}

// libpq reads a URI up to its first @ or /: with one of them in a password
// that is not encoded, the rest of the password would be a host or a database
// and be shown as such.
Expected<void> check_at_signs(std::string_view text) {
  if (!is_uri(text)) return {};
  text.remove_prefix(text.find("://") + 3);
  text = text.substr(0, text.find('?'));
  const std::size_t first = text.find('@');
  if (first == std::string_view::npos) return {};
  if (text.find('/') > first && text.rfind('@') == first) return {};
  return usage_error("an @ stands where none is expected" +
                     std::string(kEncodingHint));
}

Expected<void> check_addresses(std::string_view value) {
  for (const std::string& address : split_list(value)) {
    if (address.empty() || is_numeric_address(address)) continue;
    return usage_error(
        "hostaddr is not an IPv4 or IPv6 address; host takes names");
  }
  return {};
}

// These become labels and log fields.
bool must_be_text(std::string_view keyword) {
  return keyword == "host" || keyword == "user" || keyword == "dbname";
}

const std::string& value_or_empty(const ConnValues& values,
                                  std::string_view keyword) {
  static const std::string kEmpty;
  const auto found = values.find(keyword);
  return found == values.end() ? kEmpty : found->second;
}

ConnValues to_values(const PQconninfoOption* option) {
  ConnValues values;
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values.emplace(option->keyword, option->val);
  }
  return values;
}

using ConnectionPtr = std::unique_ptr<PGconn, decltype(&PQfinish)>;

// A PGconn on which libpq has completed the options, and that went no
// further. There is no other public way to have a service file applied.
ConnectionPtr complete_options(const ConnValues& values) {
  std::vector<const char*> keywords;
  std::vector<const char*> texts;
  for (const auto& [keyword, value] : values) {
    if (keyword == "channel_binding" || keyword == "password") continue;
    keywords.push_back(keyword.c_str());
    texts.push_back(value.c_str());
  }
  // With a password libpq has no need to read, or complain of, .pgpass.
  keywords.push_back("password");
  texts.push_back("none");
  // Checked after the defaults are filled in and before anything is opened.
  keywords.push_back("channel_binding");
  texts.push_back("refuse-to-go-on");
  keywords.push_back(nullptr);
  texts.push_back(nullptr);
  return {PQconnectStartParams(keywords.data(), texts.data(), 0), &PQfinish};
}

}  // namespace

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

Expected<ConnValues> parse_conninfo(std::string_view text) {
  if (auto checked = check_text(text); !checked) {
    return Unexpected(std::move(checked.error()));
  }
  if (auto checked = check_at_signs(text); !checked) {
    return Unexpected(std::move(checked.error()));
  }
  char* message = nullptr;
  const OptionList options(PQconninfoParse(std::string(text).c_str(), &message),
                           &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owned(message, &PQfreemem);
  if (options == nullptr) {
    return diagnose(text, message == nullptr ? "" : message);
  }
  ConnValues values = to_values(options.get());
  for (const auto& [keyword, value] : values) {
    if (auto checked = check_value(keyword, value); !checked) {
      return Unexpected(std::move(checked.error()));
    }
  }
  if (auto checked = check_lists(values); !checked) {
    return Unexpected(std::move(checked.error()));
  }
  return values;
}

bool is_known_keyword(std::string_view keyword) {
  const OptionList options(PQconndefaults(), &PQconninfoFree);
  const PQconninfoOption* option = options.get();
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    if (keyword == option->keyword) return true;
  }
  return false;
}

Expected<void> check_value(std::string_view keyword, std::string_view value) {
  if (value.size() > kMaxConnectionText) {
    return usage_error(std::string(keyword) + " is longer than " +
                       std::to_string(kMaxConnectionText) + " bytes");
  }
  if (value.find('\0') != std::string_view::npos) {
    return usage_error(std::string(keyword) + " holds a NUL byte");
  }
  if (must_be_text(keyword) && !is_utf8(value)) {
    return usage_error(std::string(keyword) + " is not valid UTF-8");
  }
  if (value.empty()) return {};
  if (keyword == "port") return check_ports(value);
  if (keyword == "hostaddr") return check_addresses(value);
  for (const Choices& choices : kChoices) {
    if (choices.keyword == keyword) return check_choice(choices, value);
  }
  if (std::ranges::find(kNumbers, keyword) != kNumbers.end() &&
      !is_number(value, -1, 1'000'000'000)) {
    return usage_error(std::string(keyword) + " is not a whole number");
  }
  return {};
}

Expected<void> check_lists(const ConnValues& values) {
  const std::string& names = value_or_empty(values, "host");
  const std::string& addresses = value_or_empty(values, "hostaddr");
  const std::string& ports = value_or_empty(values, "port");
  const std::size_t hosts =
      split_list(addresses.empty() ? names : addresses).size();
  const std::string text = std::to_string(hosts);
  if (hosts > kMaxHosts) {
    return usage_error("the connection string names " + text +
                       " hosts; at most " + std::to_string(kMaxHosts) +
                       " are accepted");
  }
  const std::size_t named = names.empty() ? hosts : split_list(names).size();
  if (named != hosts) {
    return usage_error("host lists " + std::to_string(named) +
                       " names and hostaddr " + text +
                       " addresses; accepted is one address for each name");
  }
  // Hosts that come from the environment are libpq's to match.
  const std::size_t ported = split_list(ports).size();
  if ((!names.empty() || !addresses.empty()) && ported != 1 &&
      ported != hosts) {
    return usage_error("there are " + std::to_string(ported) + " ports for " +
                       text + " hosts; accepted is one for all, or one each");
  }
  return {};
}

ConnValues effective_values(const ConnValues& values) {
  const ConnectionPtr connection = complete_options(values);
  if (connection == nullptr) return values;
  const OptionList options(PQconninfo(connection.get()), &PQconninfoFree);
  ConnValues effective = to_values(options.get());
  effective.erase("password");
  effective.erase("channel_binding");
  // What was given stands, also where libpq gave up early (no such service).
  for (const auto& [keyword, value] : values) {
    if (!value.empty()) effective.insert_or_assign(keyword, value);
  }
  return effective;
}

const std::string& default_socket_folder() {
  // Two hosts without name and address, which the environment cannot change.
  static const std::string kFolder = [] {
    const ConnectionPtr connection =
        complete_options({{"host", ","}, {"hostaddr", ","}, {"port", "5432"}});
    return std::string(connection == nullptr ? "" : PQhost(connection.get()));
  }();
  return kFolder;
}

}  // namespace dbpool::detail
