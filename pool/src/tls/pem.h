// Base64, PEM and X.509, behind a few functions on OpenSSL.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_TLS_PEM_H_
#define DBPOOL_POOL_SRC_TLS_PEM_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/tls.h"

namespace dbpool::detail {

struct FreeX509 {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeKey>;

// The bytes that `text` encodes: blanks and line breaks anywhere, padding or
// none, the URL alphabet or the usual one. nullopt: not base64, or empty.
std::optional<std::string> decode_base64(std::string_view text);

// All certificates of `pem`, in order; text between them is skipped. Empty if
// there is none or one is damaged.
std::vector<Certificate> read_certificates(std::string_view pem);

struct KeyReading {
  PrivateKey key;          // null: none could be read
  bool encrypted = false;  // it needs a passphrase
};
KeyReading read_private_key(std::string_view pem);

bool matches(const X509& certificate, const EVP_PKEY& key);

WallTime not_before(const X509& certificate);
WallTime not_after(const X509& certificate);

// e.g. "2024-01-15T10:30:00Z".
std::string rfc3339(WallTime time);

// The names a server certificate is for: DNS names and addresses, then the
// common name if there are none; at most `most`. Printable ASCII only.
std::vector<std::string> names_of(const X509& certificate, std::size_t most);

// e.g. "CN=db.example,O=Example"; bounded, printable ASCII only.
std::string subject_of(const X509& certificate);
std::string issuer_of(const X509& certificate);
// The common name of the subject, or empty; printable ASCII only.
std::string common_name_of(const X509& certificate);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_TLS_PEM_H_
