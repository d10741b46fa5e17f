// Openings with TLS, against a server with a certificate made here.

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "tests/integration/opening_fixture.h"
#include "tests/support/temp_dir.h"

namespace dbpool::test {
namespace {

using ::testing::HasSubstr;

struct KeyPair {
  std::string key;          // PEM
  std::string certificate;  // PEM, self-signed
};

std::string contents_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

// Valid for the address 127.0.0.1 and for no name.
KeyPair make_key_pair() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(),
                                                         &X509_free);
  X509* const certificate = made.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key.get());
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(
      nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  X509_sign(certificate, key.get(), EVP_sha256());

  const std::unique_ptr<BIO, decltype(&BIO_free)> key_out(BIO_new(BIO_s_mem()),
                                                          &BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> certificate_out(
      BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0,
                           nullptr, nullptr);
  PEM_write_bio_X509(certificate_out.get(), certificate);
  return {.key = contents_of(key_out.get()),
          .certificate = contents_of(certificate_out.get())};
}

class OpeningTls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const KeyPair pair = make_key_pair();
    folder_ = new TempDir();
    write_file(root(), pair.certificate);
    write_file(other_root(), make_key_pair().certificate);
    PostgresOptions options;
    options.config = {"ssl = on"};
    options.files = {{"server.key", pair.key},
                     {"server.crt", pair.certificate}};
    server_ = new Postgres(options);
  }
  static void TearDownTestSuite() {
    delete server_;
    delete folder_;
  }

  static std::string root() { return folder_->path() + "/root.crt"; }
  static std::string other_root() { return folder_->path() + "/other.crt"; }
  static int port() { return server_->port(); }

 private:
  static TempDir* folder_;
  static Postgres* server_;
};
TempDir* OpeningTls::folder_ = nullptr;
Postgres* OpeningTls::server_ = nullptr;

TEST_F(OpeningTls, EncryptsAndMeasuresTheHandshake) {
  for (const std::string& more :
       {std::string("sslmode=require"),
        "sslmode=verify-full sslrootcert=" + root()}) {
    const auto opened = open(over_tcp(port(), more));
    ASSERT_TRUE(opened) << more << ": " << opened.error().message;
    EXPECT_EQ(PQsslInUse(opened->session->pg()), 1);
    const auto& tls =
        opened->phases[static_cast<std::size_t>(ConnectPhase::kTls)];
    ASSERT_TRUE(tls);
    EXPECT_GT(*tls, Duration{0});
  }
}

TEST_F(OpeningTls, ACertificateOfAnotherRootIsTls) {
  const Error error = open_failure(planted(
      "127.0.0.1", port(), "sslmode=verify-full sslrootcert=" + other_root()));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTls) << error.message;
  EXPECT_THAT(error.message, HasSubstr("signed by an unknown CA"));
}

TEST_F(OpeningTls, ACertificateForAnotherHostIsTls) {
  const Error error = open_failure(planted(
      "localhost", port(), "sslmode=verify-full sslrootcert=" + root()));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTls) << error.message;
}

TEST_F(OpeningTls, AMissingRootFileIsTls) {
  const Error error = open_failure(planted(
      "127.0.0.1", port(), "sslmode=verify-full sslrootcert=/nonexistent"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kTls) << error.message;
  EXPECT_THAT(error.message, HasSubstr("/nonexistent"));
}

TEST_F(OpeningTls, AWrongPasswordOverTlsIsAuth) {
  const Error error =
      open_failure(planted("127.0.0.1", port(), "sslmode=prefer"));
  EXPECT_EQ(error.connect_failure, ConnectFailure::kAuth) << error.message;
  EXPECT_EQ(error.sqlstate, "28P01");
}

}  // namespace
}  // namespace dbpool::test
