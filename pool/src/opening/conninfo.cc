#include "pool/src/opening/conninfo.h"

#include <libpq-fe.h>

#include <array>
#include <memory>
#include <utility>

#include "pool/src/base/text.h"

namespace dbpool::detail {
namespace {

using OptionList = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

constexpr std::string_view kAccepted =
    "; accepted are postgresql://user:password@host:port/database"
    "?keyword=value and keyword=value pairs such as host=db dbname=orders";

Unexpected malformed(std::string_view what) {
  return bad_conninfo("the connection string is malformed: " +
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
    return bad_conninfo("the connection string is longer than " +
                        std::to_string(kMaxConnectionText) + " bytes");
  }
  if (text.find('\0') != std::string_view::npos) {
    return malformed("it holds a NUL byte");
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return bad_conninfo("the connection string is empty" +
                        std::string(kAccepted) +
                        "; postgresql:// alone stands for libpq's defaults");
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
  return bad_conninfo("an @ stands where none is expected" +
                      std::string(kEncodingHint));
}

ConnValues to_values(const PQconninfoOption* option) {
  ConnValues values;
  for (; option != nullptr && option->keyword != nullptr; ++option) {
    if (option->val != nullptr) values.emplace(option->keyword, option->val);
  }
  return values;
}

// What no libpq takes for channel_binding.
constexpr const char* kRefusedValue = "refuse-to-go-on";

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
  texts.push_back(kRefusedValue);
  keywords.push_back(nullptr);
  texts.push_back(nullptr);
  return {PQconnectStartParams(keywords.data(), texts.data(), 0), &PQfinish};
}

// libpq quotes the name of a service, which may be a misplaced secret; and of
// a service file it quotes the path, never the content.
Unexpected explain_completion(std::string_view libpq_message) {
  constexpr std::size_t kMostShown = 300;
  constexpr std::string_view kAcceptedService =
      "; accepted is a service of ~/.pg_service.conf, of the file that "
      "PGSERVICEFILE names, or of the system's pg_service.conf";
  const bool is_unknown =
      libpq_message.find("definition of service") != std::string_view::npos;
  return bad_conninfo(
      (is_unknown ? "the service (of service= or PGSERVICE) is not defined"
                  : one_line(redact(libpq_message), kMostShown)) +
      std::string(kAcceptedService));
}

}  // namespace

Unexpected bad_conninfo(std::string message) {
  return Unexpected(
      Error{.kind = ErrorKind::kUsage, .message = std::move(message)});
}

std::string value_of(const ConnValues& values, std::string_view keyword,
                     std::string_view otherwise) {
  const auto found = values.find(keyword);
  return std::string(found == values.end() || found->second.empty()
                         ? otherwise
                         : found->second);
}

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

Expected<void> check_completion(const ConnValues& values) {
  const ConnectionPtr connection = complete_options(values);
  if (connection == nullptr) return bad_conninfo("out of memory");
  const OptionList options(PQconninfo(connection.get()), &PQconninfoFree);
  const ConnValues completed = to_values(options.get());
  // It has its options once all were found.
  if (!completed.contains("channel_binding")) {
    return explain_completion(PQerrorMessage(connection.get()));
  }
  for (const auto& [keyword, value] : completed) {
    if (keyword == "channel_binding") continue;
    if (auto checked = check_value(keyword, value); !checked) return checked;
  }
  return check_lists(completed);
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
