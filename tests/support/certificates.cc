#include "tests/support/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace dbpool::test {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Memory = std::unique_ptr<BIO, decltype(&BIO_free)>;

void must(bool done) {
  if (!done) throw std::runtime_error("OpenSSL refuses");
}

Memory memory() { return {BIO_new(BIO_s_mem()), &BIO_free}; }

Memory memory(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          &BIO_free};
}

std::string contents_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Key read_key(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, nullptr, nullptr),
          &EVP_PKEY_free);
  must(key != nullptr);
  return key;
}

Certificate read_certificate(const std::string& pem) {
  Certificate read(
      PEM_read_bio_X509(memory(pem).get(), nullptr, nullptr, nullptr),
      &X509_free);
  must(read != nullptr);
  return read;
}

void extend(X509* certificate, int what, const std::string& value) {
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
  must(extension != nullptr);
  must(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// All but issuer and signature.
Certificate make_certificate(EVP_PKEY* key, const CertificateOptions& options,
                             bool is_ca) {
  Certificate made(X509_new(), &X509_free);
  X509* const certificate = made.get();
  must(X509_set_version(certificate, 2) == 1);
  unsigned char serial[2] = {};
  must(RAND_bytes(serial, sizeof(serial)) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate),
                   serial[0] * 256 + serial[1] + 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), options.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.ends.count());
  X509_set_pubkey(certificate, key);
  const auto* name =
      reinterpret_cast<const unsigned char*>(options.common_name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                             MBSTRING_UTF8, name, -1, -1, 0);
  extend(certificate, NID_basic_constraints, is_ca ? "CA:TRUE" : "CA:FALSE");
  if (!options.alternative_names.empty()) {
    extend(certificate, NID_subject_alt_name, options.alternative_names);
  }
  return made;
}

KeyPair to_pem(X509* certificate, EVP_PKEY* key) {
  const Memory certificate_out = memory();
  const Memory key_out = memory();
  must(PEM_write_bio_X509(certificate_out.get(), certificate) == 1);
  must(PEM_write_bio_PrivateKey(key_out.get(), key, nullptr, nullptr, 0,
                                nullptr, nullptr) == 1);
  return {contents_of(certificate_out.get()), contents_of(key_out.get())};
}

}  // namespace

CertificateAuthority::CertificateAuthority(const std::string& name,
                                           std::chrono::seconds ends) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  CertificateOptions options;
  options.common_name = name;
  options.ends = ends;
  options.begins = std::chrono::hours(-24 * 30);
  const Certificate made = make_certificate(key.get(), options, true);
  X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
  must(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
  own_ = to_pem(made.get(), key.get());
}

KeyPair CertificateAuthority::issue(const CertificateOptions& options) const {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const Key own_key = read_key(own_.key);
  const Certificate issuer = read_certificate(own_.certificate);
  const Certificate made = make_certificate(key.get(), options, false);
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get()));
  must(X509_sign(made.get(), own_key.get(), EVP_sha256()) > 0);
  return to_pem(made.get(), key.get());
}

std::string encrypted_key(const std::string& key,
                          const std::string& passphrase) {
  const Key read = read_key(key);
  const Memory out = memory();
  must(PEM_write_bio_PKCS8PrivateKey(
           out.get(), read.get(), EVP_aes_256_cbc(), passphrase.data(),
           static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
  return contents_of(out.get());
}

std::string base64(const std::string& text, bool wrapped) {
  std::string out(text.size() * 4 / 3 + 8, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  if (!wrapped) return out;
  std::string lines;
  for (std::size_t at = 0; at < out.size(); at += 76) {
    lines += out.substr(at, 76) + "\n";
  }
  return lines;
}

}  // namespace dbpool::test
