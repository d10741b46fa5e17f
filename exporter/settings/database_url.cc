#include "exporter/settings/database_url.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "dbpool/connect.h"
#include "exporter/base/ascii.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/nearest.h"

namespace dbpool::exporter {

namespace {

struct Foreign {
  std::string_view keyword;
  std::string_view instead;  // worded to follow "expected "
};

constexpr std::string_view kSearchPath = "options=-csearch_path%3DNAME";
constexpr std::string_view kPoolMax = "DB_POOL_MAX";
constexpr std::string_view kAcquire = "DB_CONNECTION_TIMEOUT_MS";
constexpr std::string_view kStatement = "DB_STATEMENT_TIMEOUT_MS";
constexpr std::string_view kIdle = "DB_IDLE_TIMEOUT_MS";
constexpr std::string_view kLifetime = "DB_MAX_LIFETIME_MS";
constexpr std::string_view kNothing = "nothing in its place";
constexpr std::string_view kPgBouncer =
    "nothing in its place (PgBouncer works in session mode)";
constexpr std::string_view kSslMode =
    "sslmode=require, or verify-full to verify the server";

// Of Prisma, node-postgres, JDBC, pgx, SQLAlchemy and the like.
constexpr std::array kForeign = {
    Foreign{"schema", kSearchPath},
    Foreign{"currentSchema", kSearchPath},
    Foreign{"search_path", kSearchPath},
    Foreign{"pgbouncer", kPgBouncer},
    Foreign{"prepareThreshold", kPgBouncer},
    Foreign{"statement_cache_size", kPgBouncer},
    Foreign{"prepared_statements", kPgBouncer},
    Foreign{"default_query_exec_mode", kPgBouncer},
    Foreign{"connection_limit", kPoolMax},
    Foreign{"pool_size", kPoolMax},
    Foreign{"pool_max_conns", kPoolMax},
    Foreign{"max", kPoolMax},
    Foreign{"pool_min_conns", "DB_POOL_MIN"},
    Foreign{"min", "DB_POOL_MIN"},
    Foreign{"pool_timeout", kAcquire},
    Foreign{"connectionTimeoutMillis", kAcquire},
    Foreign{"connectTimeout", "connect_timeout"},
    Foreign{"loginTimeout", "connect_timeout"},
    Foreign{"socket_timeout", kStatement},
    Foreign{"socketTimeout", kStatement},
    Foreign{"statement_timeout", kStatement},
    Foreign{"query_timeout", kStatement},
    Foreign{"idleTimeoutMillis", kIdle},
    Foreign{"max_idle_connection_lifetime", kIdle},
    Foreign{"pool_max_conn_idle_time", kIdle},
    Foreign{"max_connection_lifetime", kLifetime},
    Foreign{"pool_max_conn_lifetime", kLifetime},
    Foreign{"ssl", kSslMode},
    Foreign{"sslaccept",
            "sslmode=verify-full for strict, require for "
            "accept_invalid_certs"},
    Foreign{"sslidentity", "sslcert and sslkey"},
    Foreign{"uselibpqcompat", "nothing: sslmode means here what libpq means"},
    Foreign{"ApplicationName", "application_name"},
    Foreign{"targetServerType", "target_session_attrs"},
    Foreign{"binary_parameters", kNothing},
    Foreign{"stringtype", kNothing},
    Foreign{"encoding", "client_encoding"},
    Foreign{"timezone", "options=-cTimeZone%3DNAME"},
};

// Those that people write, to find the nearest among.
const std::vector<std::string>& common_keywords() {
  static const std::vector<std::string> kKeywords = {"host",
                                                     "hostaddr",
                                                     "port",
                                                     "dbname",
                                                     "user",
                                                     "passfile",
                                                     "sslmode",
                                                     "sslrootcert",
                                                     "sslcert",
                                                     "sslkey",
                                                     "options",
                                                     "application_name",
                                                     "service",
                                                     "connect_timeout",
                                                     "target_session_attrs",
                                                     "keepalives",
                                                     "keepalives_idle",
                                                     "tcp_user_timeout",
                                                     "gssencmode",
                                                     "channel_binding",
                                                     "client_encoding"};
  return kKeywords;
}

bool is_name(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  return !text.empty() && text.size() <= kLongest &&
         std::ranges::all_of(text, is_name_char);
}

bool is_libpqs(std::string_view keyword) {
  auto any = ConnectionString::parse("postgresql://");
  return any && any->set(keyword, "");
}

std::optional<std::string> instead_of(std::string_view keyword) {
  const auto* found = std::ranges::find(kForeign, keyword, &Foreign::keyword);
  if (found == kForeign.end()) return std::nullopt;
  return std::string(found->instead);
}

void add_name(std::string_view name, std::vector<std::string_view>& names) {
  const bool is_new = std::ranges::find(names, name) == names.end();
  if (is_name(name) && is_new) names.push_back(name);
}

// Those of the query's pairs that cannot be a part of a password; what stands
// behind one may be, as where its & is not encoded, unless others are known
// to write it. `is_doubtful`: a password stands before the query already.
std::vector<std::string_view> keywords_of_query(std::string_view query,
                                                bool is_doubtful) {
  std::vector<std::string_view> names;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    const std::string_view name = pair.substr(0, pair.find('='));
    const bool may_be_shown = !is_doubtful || instead_of(name);
    if (name != pair && may_be_shown) add_name(name, names);
    is_doubtful = is_doubtful || redact(pair) != pair;
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
  }
  return names;
}

// A password that no '@' ends.
bool is_open_password(std::string_view before_query) {
  return before_query.find('@') == std::string_view::npos &&
         redact(before_query) != before_query;
}

// What stands before each '=', as far as it is a name; it may be of a value.
std::vector<std::string_view> words_before_equals(std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t at = text.find('='); at != std::string_view::npos;
       at = text.find('=', at + 1)) {
    std::size_t begin = at;
    while (begin > 0 && is_name_char(text[begin - 1])) --begin;
    add_name(text.substr(begin, at - begin), names);
  }
  return names;
}

// The query of a URI, where what is before it is whole: with an '@' behind it
// the '?' may stand in a password.
std::optional<std::string_view> query_of(std::string_view text) {
  if (text.find("://") == std::string_view::npos) return std::nullopt;
  const std::size_t mark = text.find('?');
  if (mark == std::string_view::npos ||
      text.find('@', mark) != std::string_view::npos) {
    return std::nullopt;
  }
  return text.substr(mark + 1);
}

}  // namespace

std::string explain_database_url(std::string_view text,
                                 const std::string& problem, bool is_expanded) {
  if (problem.starts_with("sslmode ") &&
      text.find("no-verify") != std::string_view::npos) {
    return "sslmode=no-verify is Node's; expected sslmode=require in its "
           "place, which encrypts and verifies nothing";
  }
  if (problem.find("a keyword") == std::string::npos) return problem;
  const auto query = query_of(text);
  std::string mistakes;
  const std::string_view before =
      text.substr(0, query ? text.size() - query->size() - 1 : 0);
  for (const std::string_view name :
       query ? keywords_of_query(*query, is_open_password(before))
             : words_before_equals(text)) {
    if (is_libpqs(name)) continue;
    auto instead = instead_of(name);
    // Names of the table are nobody's password; others may be.
    if (!instead && (!query || is_expanded)) continue;
    mistakes += (mistakes.empty() ? "unknown keyword " : "; unknown keyword ") +
                in_quotes(name) + ": expected " +
                instead.value_or("one of libpq's, " +
                                 nearest_or(name, common_keywords(),
                                            "such as sslmode or options"));
  }
  return mistakes.empty() ? problem : mistakes;
}

}  // namespace dbpool::exporter
