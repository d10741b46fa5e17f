// What is said of TLS to the database in libpq's own ways.
#ifndef DBPOOL_EXPORTER_SETTINGS_LIBPQ_TLS_H_
#define DBPOOL_EXPORTER_SETTINGS_LIBPQ_TLS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dbpool/connect.h"

namespace dbpool::exporter {

// PGSSLMODE, PGSSLROOTCERT, PGSSLCERT and PGSSLKEY, as far as they are set.
using LibpqVariables = std::map<std::string, std::string, std::less<>>;

// Each stands over those before it.
enum class Sayer : std::uint8_t { kNobody, kVariable, kServiceFile, kUrl };

struct Said {
  std::string keyword;
  std::string value;  // empty: nothing
  Sayer by = Sayer::kNobody;
  std::string from;      // "DATABASE_URL", "the service file", "PGSSLMODE" …
  bool is_shown = true;  // the value, which else may be a secret

  explicit operator bool() const noexcept { return !value.empty(); }
  // libpq's variables hold for a whole host, and contradict nothing.
  bool is_demand() const noexcept { return by >= Sayer::kServiceFile; }
  // In a sentence: "sslrootcert in DATABASE_URL" or "PGSSLROOTCERT".
  std::string name() const;
  // What a line about it begins with: "DATABASE_URL: sslrootcert" or
  // "PGSSLROOTCERT".
  std::string head() const;
  // With its value, if that is shown: "DATABASE_URL: sslrootcert=\"/ca.pem\"".
  std::string head_and_value() const;
};

struct LibpqTls {
  Said mode, root, certificate, key;

  // The one of the files that stands over the others; null: none is named.
  const Said* first_file() const;
};

// `url_name` is what `database` is called in messages. Blocks for the service
// file; one thread at a time. Where there is one, PGSSL* have no meaning to
// other threads meanwhile: to a target for which they were decided they have
// none at any time.
LibpqTls libpq_tls(const ConnectionString& database,
                   const LibpqVariables& variables, std::string_view url_name,
                   bool is_url_shown = true);

// "sslmode=require in DATABASE_URL"
std::string shown_mode(const Said& mode);
// Of an sslmode that libpq does not know: one line.
std::optional<std::string> sslmode_problem(const Said& mode);

bool verifies(std::string_view sslmode);
bool demands_tls(std::string_view sslmode);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_LIBPQ_TLS_H_
