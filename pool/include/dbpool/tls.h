// TlsOptions and TlsMaterial: TLS to the database, with certificates and keys
// that never touch a disk.
//
//   auto target = dbpool::ConnectionString::parse(url);
//   target->set_tls({.ca = ca, .certificate = certificate, .key = key});
//
// PEM, or base64 of PEM as environments carry it, is checked once and put
// into sealed, close-on-exec memory files; libpq reads them through
// /proc/self/fd/N.
//
// Thread-safety: TlsOptions is a plain value, TlsMaterial immutable.
// Lifetime: copies of a ConnectionString share its material, so that the
// files live as long as openings may read them.
#ifndef DBPOOL_TLS_H_
#define DBPOOL_TLS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace dbpool {

// A point of the wall clock, which certificates are valid by.
using WallTime = std::chrono::system_clock::time_point;

// How much of the server is verified.
enum class TlsVerify : std::uint8_t {
  kNothing,  // encrypt only, also with a CA at hand: anyone between could
             // pose as the server
  kChain,    // its certificate comes from a CA that is trusted
  kFull,     // and names the host that is connected to
};
// The sslmode that does it: require, verify-ca, verify-full.
std::string_view to_sslmode(TlsVerify verify) noexcept;

struct TlsOptions {
  TlsVerify verify = TlsVerify::kFull;
  // PEM, or base64 of it with or without line breaks and padding. Empty:
  // none.
  std::string ca = {};           // one or more; empty: system_roots_file()
  std::string certificate = {};  // the client's, then its chain
  std::string key = {};          // the client's private key, not encrypted
};

// What is wrong with one of them, for a message that names where it came
// from.
struct TlsProblem {
  enum class Source : std::uint8_t { kCa, kCertificate, kKey };
  Source source = Source::kCa;
  // To follow a name, e.g. "is not base64; expected …", "expired on
  // 2024-01-15T10:30:00Z; expected …". Never holds a part of the value.
  std::string text;
};

class TlsMaterial {
 public:
  // Checks ca, certificate and key (verify counts for nothing here): base64,
  // PEM, validity at `now`, encryption of the key; then that certificate and
  // key come together and match. Blocks for no I/O.
  static tl::expected<std::shared_ptr<const TlsMaterial>, TlsProblem> create(
      const TlsOptions& options,
      WallTime now = std::chrono::system_clock::now());
  ~TlsMaterial();
  TlsMaterial(const TlsMaterial&) = delete;
  TlsMaterial& operator=(const TlsMaterial&) = delete;

  // When the client's certificate and the earliest CA end; nullopt: none.
  std::optional<WallTime> client_expiry() const noexcept;
  std::optional<WallTime> ca_expiry() const noexcept;

  // Whether CA, certificate and key are the same, byte by byte of their PEM.
  bool has_same_contents(const TlsMaterial& other) const noexcept;

  // The path that libpq opens, e.g. "/proc/self/fd/7"; empty: none.
  const std::string& ca_path() const noexcept;
  const std::string& certificate_path() const noexcept;
  const std::string& key_path() const noexcept;

 private:
  struct Files;
  explicit TlsMaterial(std::unique_ptr<Files> files) noexcept;
  const std::unique_ptr<Files> files_;
};

// The roots that this system trusts: $SSL_CERT_FILE, Debian's
// /etc/ssl/certs/ca-certificates.crt or OpenSSL's own default, the first that
// is there; Debian's if none is.
std::string system_roots_file();

// For sslrootcert and sslcert: none, where an empty one would let the
// environment and ~/.postgresql have their say. No file can be there, and
// libpq goes on without one, as long as sslmode verifies nothing.
inline constexpr std::string_view kNoTlsFile = "/dev/null/none";

}  // namespace dbpool

#endif  // DBPOOL_TLS_H_
