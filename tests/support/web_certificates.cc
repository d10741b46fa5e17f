#include "tests/support/web_certificates.h"

#include <crypt.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

void openssl(std::vector<std::string> args) {
  ChildOptions options;
  options.program = "openssl";
  options.args = std::move(args);
  run_to_end(std::move(options));
}

}  // namespace

WebCertificates::WebCertificates(std::string folder)
    : folder_(std::move(folder)) {
  make_ca("ca");
  issue("server", "DNS:localhost,IP:127.0.0.1");
  issue("client", "DNS:client.example");
}

void WebCertificates::make_ca(const std::string& name) {
  openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
           "/CN=" + name, "-keyout", key(name), "-out", pem(name)});
}

void WebCertificates::issue(const std::string& name, const std::string& names,
                            const std::string& ca) {
  const std::string request = folder_ + "/" + name + ".csr";
  const std::string extensions = folder_ + "/" + name + ".ext";
  write_file(extensions, "subjectAltName=" + names + "\n");
  openssl({"req", "-new", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
           "-keyout", key(name), "-out", request});
  openssl({"x509", "-req", "-in", request, "-CA", pem(ca), "-CAkey", key(ca),
           "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out",
           pem(name)});
}

void WebCertificates::encrypt_key(const std::string& name,
                                  const std::string& encrypted) {
  openssl({"pkey", "-in", key(name), "-aes128", "-passout", "pass:some", "-out",
           key(encrypted)});
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

std::string to_base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()),
                      static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::string basic_auth(const std::string& user, const std::string& password) {
  return "Basic " + to_base64(user + ":" + password);
}

}  // namespace dbpool::test
