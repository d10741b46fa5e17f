// What DB_SSL, DB_SSL_REJECT_UNAUTHORIZED, DB_SSL_CA, DB_SSL_CERT, DB_SSL_KEY
// and DATABASE_URL say together.
#ifndef DBPOOL_EXPORTER_SETTINGS_TLS_H_
#define DBPOOL_EXPORTER_SETTINGS_TLS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/connect.h"
#include "exporter/settings/libpq_tls.h"
#include "exporter/settings/settings.h"

namespace dbpool::exporter {

struct TlsWishes {
  // What was given by flag or environment; nullopt: nothing.
  std::optional<bool> ssl = {};
  std::optional<bool> reject_unauthorized = {};
  std::string ssl_name = "DB_SSL";  // as the user wrote it
  std::string reject_name = "DB_SSL_REJECT_UNAUTHORIZED";
  bool ssl_by_default = false;  // of the profile
  // Certificates and keys as given, and by which variables.
  TlsOptions material = {};  // its `verify` counts for nothing
  std::string ca_name = "DB_SSL_CA";
  std::string certificate_name = "DB_SSL_CERT";
  std::string key_name = "DB_SSL_KEY";
  LibpqVariables libpq = {};  // count as the URL does; contradict nothing
};

struct TlsDecision {
  // The sslmode in force, where there is no error. And what decided it: a
  // variable or flag, "DATABASE_URL", "the service file", "sslrootcert in
  // DATABASE_URL" or such, "profile" or "socket".
  std::string mode;
  std::string mode_source;
  std::vector<std::string> errors;
  std::vector<Notice> notices;
};

// Checks the material and the files that sslrootcert, sslcert and sslkey name,
// and sets sslmode, sslrootcert, sslcert and sslkey. Material (DB_SSL_CA,
// DB_SSL_CERT, DB_SSL_KEY) means ssl=true where DB_SSL is not given; so do
// those files, where no sslmode is given (for files in the URL, none there).
//
//   given                              sslmode
//   ssl=false                          disable
//   ssl=true                           verify-full, unless the URL's is
//                                      verify-ca, or require without DB_SSL_CA
//   ssl=true,  reject=true             verify-full
//   ssl=true,  reject=false            require
//   reject=true                        verify-full, where TLS is on at all
//   reject=false                       the URL's; require where the URL has
//                                      none and the profile wants TLS
//   neither                            the URL's, PGSSLMODE, or the profile's:
//                                      verify-full or disable
//
// A service file counts as the URL, which stands over it. Errors: a variable
// that would take away what the URL demands. One that demands more than the
// URL wins, and that is said. Material stands over the URL's own. With
// reject=false DB_SSL_CA and PGSSLROOTCERT are not used: libpq verifies
// whenever it has a root. sslrootcert=system is what system_roots_file() says,
// with verify-full. A database that is reached by Unix sockets only is left as
// it is: libpq knows no TLS there.
TlsDecision decide_tls(ConnectionString& database, const TlsWishes& wishes);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_TLS_H_
