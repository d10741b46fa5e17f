// What DB_SSL, DB_SSL_REJECT_UNAUTHORIZED and DATABASE_URL say together.
#ifndef DBPOOL_EXPORTER_SETTINGS_TLS_H_
#define DBPOOL_EXPORTER_SETTINGS_TLS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/connect.h"
#include "exporter/settings/settings.h"

namespace dbpool::exporter {

// The roots that Debian and its kin trust.
inline constexpr std::string_view kSystemRoots =
    "/etc/ssl/certs/ca-certificates.crt";

struct TlsWishes {
  // What was given by flag or environment; nullopt: nothing.
  std::optional<bool> ssl = {};
  std::optional<bool> reject_unauthorized = {};
  std::string ssl_name = "DB_SSL";  // as the user wrote it
  std::string reject_name = "DB_SSL_REJECT_UNAUTHORIZED";
  bool ssl_by_default = false;  // of the profile
  // libpq's own variables, which count as the URL does, but never stop the
  // start.
  bool has_pgsslmode = false;      // PGSSLMODE
  bool has_pgsslrootcert = false;  // PGSSLROOTCERT
};

struct TlsDecision {
  std::vector<std::string> errors;
  std::vector<Notice> notices;
};

// Sets sslmode, and sslrootcert for what verifies without naming one.
//
//   given                              sslmode
//   ssl=false                          disable
//   ssl=true                           verify-full, unless the URL's is
//                                      require or stricter
//   ssl=true,  reject=true             verify-full
//   ssl=true,  reject=false            require
//   reject=true                        verify-full, where TLS is on at all
//   reject=false                       the URL's; require where the URL has
//                                      none and the profile wants TLS
//   neither                            the URL's, PGSSLMODE, or the profile's:
//                                      verify-full or disable
//
// Errors: a given variable and the URL that exclude each other. A database
// that is reached by Unix sockets only is left as it is: libpq knows no TLS
// there.
TlsDecision decide_tls(ConnectionString& database, const TlsWishes& wishes);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_TLS_H_
