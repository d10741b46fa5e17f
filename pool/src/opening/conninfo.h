// What libpq knows about connection strings, behind a few functions: parsing,
// checks beyond libpq's own, and what applies in the end.
//
// Thread-safety: all functions, as far as nobody calls setenv() meanwhile.
#ifndef DBPOOL_POOL_SRC_OPENING_CONNINFO_H_
#define DBPOOL_POOL_SRC_OPENING_CONNINFO_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/error.h"

namespace dbpool::detail {

using ConnValues = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t kMaxConnectionText = 64 * 1024;
inline constexpr std::size_t kMaxHosts = 64;

// `otherwise` where the keyword is missing or empty.
std::string value_of(const ConnValues& values, std::string_view keyword,
                     std::string_view otherwise = {});

// kUsage.
Unexpected bad_conninfo(std::string message);

// Ends errors that a raw character in a URI may have led to.
inline constexpr std::string_view kEncodingHint =
    " (in a URI the characters : / ? # @ & and % of a user name or password "
    "are written as %3A %2F %3F %23 %40 %26 and %25)";

// The keywords that `text` gives. Errors (kUsage) never quote it.
Expected<ConnValues> parse_conninfo(std::string_view text);

// Is `keyword` one of libpq's?
bool is_known_keyword(std::string_view keyword);

// Checks one value against what is accepted for its keyword; the error
// (kUsage) names the keyword and never the value, which may be a misplaced
// part of a password.
Expected<void> check_value(std::string_view keyword, std::string_view value);

// Checks the lengths of the lists of hosts, addresses and ports.
Expected<void> check_lists(const ConnValues& values);

// `values` completed by service file, environment and libpq's defaults, as
// libpq will when it connects. Empty where it could not tell (no memory).
ConnValues effective_values(const ConnValues& values);

// Can libpq complete `values`, and is what it adds well-formed? kUsage where
// the service is in no service file, that file is broken or missing, or a
// variable such as PGPORT has a value that check_value() refuses.
Expected<void> check_completion(const ConnValues& values);

// The folder of sockets built into libpq, e.g. "/var/run/postgresql".
const std::string& default_socket_folder();

// Splits at ','; an empty text has one empty element.
std::vector<std::string> split_list(std::string_view text);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_CONNINFO_H_
