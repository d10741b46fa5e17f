#include "tests/support/web_certificates.h"

#include <crypt.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tests/support/temp_dir.h"

namespace dbpool::test {
WebCertificates::WebCertificates(std::string folder)
    : folder_(std::move(folder)) {
  make_ca("ca");
  issue("server", "DNS:localhost,IP:127.0.0.1");
  issue("client", "DNS:client.example");
}

void WebCertificates::make_ca(const std::string& name) {
  const auto made =
      authorities_.emplace(name, CertificateAuthority(name)).first;
  write_file(pem(name), made->second.certificate());
}

void WebCertificates::issue(const std::string& name, const std::string& names,
                            const std::string& ca) {
  const KeyPair made = authorities_.at(ca).issue(
      {.common_name = name, .alternative_names = names});
  write_file(pem(name), made.certificate);
  write_file(key(name), made.key);
}

void WebCertificates::encrypt_key(const std::string& name,
                                  const std::string& encrypted) {
  write_file(key(encrypted), encrypted_key(read_file(key(name)), "some"));
}

std::string bcrypt_hash(const std::string& password, int cost) {
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
  const auto data = std::make_unique<crypt_data>();
  const char* hash = nullptr;
  if (crypt_gensalt_rn("$2y$", static_cast<unsigned long>(cost), nullptr, 0,
                       salt.data(), static_cast<int>(salt.size())) != nullptr) {
    hash = crypt_r(password.c_str(), salt.data(), data.get());
  }
  if (hash == nullptr || *hash == '*') throw std::runtime_error("no bcrypt");
  return hash;
}

std::string basic_auth(const std::string& user, const std::string& password) {
  return "Basic " + base64(user + ":" + password);
}

}  // namespace dbpool::test
