#include "pool/src/opening/target_names.h"

#include <cstdlib>
#include <utility>

namespace dbpool::detail {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

// libpq takes a dbname as it is here: a URI or key=value pairs in it are no
// connection string any more.
bool is_connection_string(std::string_view name) {
  return name.find("://") != kNone || redact(name) != name;
}

// Has the shape name:something.
bool is_name_and_more(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon != kNone && colon > 0 && colon + 1 < name.size();
}

// The same of a host; more colons than one are an IPv6 address.
bool is_host_and_more(std::string_view host) {
  return !host.starts_with('/') && is_name_and_more(host) &&
         host.find(':') == host.rfind(':');
}

std::string without_more(std::string_view name) {
  return std::string(name.substr(0, name.find(':') + 1)) + "***";
}

// Sockets begin with '/', or with '@' in the abstract namespace.
std::size_t at_sign_in(std::string_view host) {
  return host.starts_with('/') ? kNone : host.find('@', 1);
}

struct Name {
  const char* keyword;
  const char* variable;
  const char* accepted;
};

constexpr Name kDatabase = {
    "dbname", "PGDATABASE",
    "the name of the database holds a connection string, or has the shape "
    "name:something; accepted is a name alone, such as orders"};
constexpr Name kUser = {
    "user", "PGUSER",
    "the name of the user has the shape name:something; accepted is a name "
    "alone, such as app, and the password in its own place"};
constexpr Name kHost = {
    "host", "PGHOST",
    "the name of the host holds a connection string, an @, or has the shape "
    "name:something; accepted are names, addresses and socket folders alone, "
    "joined by commas, and the port in its own place"};

Unexpected refuse(const Name& name, const ConnValues& given,
                  std::string_view value) {
  std::string source = name.keyword;
  if (value_of(given, name.keyword).empty()) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv() meanwhile.
    const char* const variable = std::getenv(name.variable);
    source = variable != nullptr && value == variable
                 ? name.variable
                 : std::string("the service file's ") + name.keyword;
  }
  return bad_conninfo(source + ": " + name.accepted);
}

}  // namespace

std::string shown_user(std::string_view user) {
  return is_name_and_more(user) ? without_more(user) : std::string(user);
}

std::string shown_database(std::string_view database) {
  const std::string shown = redact(database);
  return shown == database && is_name_and_more(shown) ? without_more(shown)
                                                      : shown;
}

std::string shown_host(std::string_view host) {
  std::string masked = redact(host);
  const std::size_t at_sign = at_sign_in(masked);
  if (at_sign != kNone) return "***" + masked.substr(masked.rfind('@'));
  if (masked != host) return masked;
  std::string shown;
  for (const std::string& each : split_list(host)) {
    shown += shown.empty() ? "" : ",";
    shown += is_host_and_more(each) ? without_more(each) : each;
  }
  return shown;
}

Expected<void> check_names(const ConnValues& given,
                           const ConnValues& effective) {
  const std::string user = value_of(effective, "user");
  if (is_name_and_more(user)) return refuse(kUser, given, user);
  const std::string database = value_of(effective, "dbname");
  if (is_connection_string(database) || is_name_and_more(database)) {
    return refuse(kDatabase, given, database);
  }
  const std::string hosts = value_of(effective, "host");
  for (const std::string& host : split_list(hosts)) {
    if (is_connection_string(host) || at_sign_in(host) != kNone ||
        is_host_and_more(host)) {
      return refuse(kHost, given, hosts);
    }
  }
  return {};
}

}  // namespace dbpool::detail
