#ifndef DBPOOL_TESTS_SUPPORT_CERTIFICATES_H_
#define DBPOOL_TESTS_SUPPORT_CERTIFICATES_H_

#include <chrono>
#include <string>

namespace dbpool::test {

// Both PEM.
struct KeyPair {
  std::string certificate;
  std::string key;
};

struct CertificateOptions {
  std::string common_name;
  // As OpenSSL writes them, e.g. "IP:127.0.0.1,DNS:db.example"; empty: none.
  std::string alternative_names = {};
  // From now.
  std::chrono::seconds begins = std::chrono::hours(-1);
  std::chrono::seconds ends = std::chrono::hours(24);
};

// A private CA, made by OpenSSL. Not thread-safe. All throw
// std::runtime_error.
class CertificateAuthority {
 public:
  explicit CertificateAuthority(
      const std::string& name,
      std::chrono::seconds ends = std::chrono::hours(48));

  const std::string& certificate() const { return own_.certificate; }
  KeyPair issue(const CertificateOptions& options) const;

 private:
  KeyPair own_;
};

std::string encrypted_key(const std::string& key,
                          const std::string& passphrase);

// As `base64` prints it: lines of 76; or of one line, as `base64 -w 0`.
std::string base64(const std::string& text, bool wrapped = false);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_CERTIFICATES_H_
