#ifndef DBPOOL_TESTS_SUPPORT_WEB_CERTIFICATES_H_
#define DBPOOL_TESTS_SUPPORT_WEB_CERTIFICATES_H_

#include <map>
#include <string>

#include "tests/support/certificates.h"

namespace dbpool::test {

// Certificates for one test, as files in a folder that must outlive the
// object. Each NAME is NAME.pem and, but for CAs, NAME.key. Made at
// construction: the CA "ca", and from it "server" for 127.0.0.1 and localhost
// and "client" for client.example. All methods throw std::runtime_error.
class WebCertificates {
 public:
  explicit WebCertificates(std::string folder);

  std::string pem(const std::string& name) const {
    return folder_ + "/" + name + ".pem";
  }
  std::string key(const std::string& name) const {
    return folder_ + "/" + name + ".key";
  }

  // A CA of its own.
  void make_ca(const std::string& name);
  // A certificate by a CA; `names` such as "DNS:a.example,IP:127.0.0.1".
  void issue(const std::string& name, const std::string& names,
             const std::string& ca = "ca");
  // The same certificate with its key encrypted.
  void encrypt_key(const std::string& name, const std::string& encrypted);

 private:
  const std::string folder_;
  std::map<std::string, CertificateAuthority> authorities_;
};

// A bcrypt hash, as htpasswd -B prints it.
std::string bcrypt_hash(const std::string& password, int cost = 5);

// The header's value for basic authentication.
std::string basic_auth(const std::string& user, const std::string& password);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_WEB_CERTIFICATES_H_
