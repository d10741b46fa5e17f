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

// How a certificate or key was given.
struct MaterialName {
  std::string name;      // as the user wrote it
  std::string for_path;  // what a path would be given by; empty: it was
};

struct TlsWishes {
  // What was given by flag or environment; nullopt: nothing.
  std::optional<bool> ssl = {};
  std::optional<bool> reject_unauthorized = {};
  std::string ssl_name = "DB_SSL";  // as the user wrote it
  std::string reject_name = "DB_SSL_REJECT_UNAUTHORIZED";
  bool ssl_by_default = false;  // of the profile
  // Certificates and keys as given, and by what.
  TlsOptions material = {};  // its `verify` counts for nothing
  MaterialName ca = {"DB_SSL_CA", "DB_SSL_CA_FILE"};
  MaterialName certificate = {"DB_SSL_CERT", "DB_SSL_CERT_FILE"};
  MaterialName key = {"DB_SSL_KEY", "DB_SSL_KEY_FILE"};
  LibpqVariables libpq = {};  // under the URL; contradict nothing
  std::string url_name = "DATABASE_URL";
  bool is_url_shown = true;  // its values, where they are refused
  std::string system_roots = system_roots_file();
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
// those files, where no sslmode stands beside or over them.
//
//   given                              sslmode
//   ssl=false                          disable
//   ssl=true                           verify-full, unless the URL's is
//                                      verify-ca, or require without DB_SSL_CA
//   ssl=true,  reject=true             verify-full
//   ssl=true,  reject=false            require
//   reject=true                        verify-full, where the URL, PGSSLMODE
//                                      or the profile turns TLS on
//   reject=false                       the URL's; PGSSLMODE or the profile's,
//                                      with require for what verifies
//   neither                            the URL's, PGSSLMODE, or the profile's:
//                                      verify-full or disable
//
// A service file counts as the URL, which stands over it. Errors: a variable
// that would take away what the URL demands. One that demands more than the
// URL wins; that is said, where the URL's demands no TLS. Material stands over
// the URL's own. With reject=false no roots are used: libpq verifies whenever
// it has some. sslrootcert=system is `system_roots`, with verify-full. What is
// not named is none, whatever ~/.postgresql has, but for root.crl. A database
// that is reached by Unix sockets only is left as it is: libpq knows no TLS
// there.
TlsDecision decide_tls(ConnectionString& database, const TlsWishes& wishes);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_TLS_H_
