// The names that Go, and so every exporter's configuration, has for what
// OpenSSL calls otherwise.
#ifndef DBPOOL_EXPORTER_WEB_CONFIG_CIPHER_NAMES_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_CIPHER_NAMES_H_

#include <span>
#include <string_view>

namespace dbpool::exporter {

struct CipherName {
  std::string_view go;
  std::string_view openssl;
  bool is_tls13 = false;
};

struct CurveName {
  std::string_view go;
  std::string_view openssl;
};

// The suites that Go offers, none of them anonymous, null or export.
std::span<const CipherName> cipher_names();
std::span<const CurveName> curve_names();

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_CIPHER_NAMES_H_
