// What is said of TLS to the database in libpq's own ways.
#ifndef DBPOOL_EXPORTER_SETTINGS_LIBPQ_TLS_H_
#define DBPOOL_EXPORTER_SETTINGS_LIBPQ_TLS_H_

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "dbpool/connect.h"

namespace dbpool::exporter {

// PGSSLMODE, PGSSLROOTCERT, PGSSLCERT and PGSSLKEY, as far as they are set.
using LibpqVariables = std::map<std::string, std::string, std::less<>>;

// In the URL, in a service file, or in libpq's own variables.
struct Said {
  std::string value;  // empty: nothing
  std::string from;   // "DATABASE_URL", "the service file", "PGSSLMODE" …

  explicit operator bool() const noexcept { return !value.empty(); }
  // libpq's variables hold for a whole host, and contradict nothing.
  bool is_demand() const;
};

struct LibpqTls {
  Said mode, root, certificate, key;

  // The first of the files that are named, and what names it, such as
  // "sslrootcert in DATABASE_URL" or "PGSSLROOTCERT"; null: none.
  std::pair<const Said*, std::string> first_file() const;
};

// The URL stands over a service file, and that over the variables.
LibpqTls libpq_tls(const ConnectionString& database,
                   const LibpqVariables& variables);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_LIBPQ_TLS_H_
