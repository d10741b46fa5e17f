#include "exporter/web_config/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string_view>
#include <utility>
#include <vector>

#include "exporter/settings/refused_value.h"
#include "exporter/web_config/client_certificate.h"

namespace dbpool::exporter {

namespace {

template <auto free>
struct FreeBy {
  template <typename Type>
  void operator()(Type* object) const noexcept {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, FreeBy<&BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<&EVP_PKEY_free>>;
using Done = tl::expected<void, std::string>;

// Forward secrecy and AEAD; before TLS 1.2 there is no AEAD.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL";
constexpr const char* kOldCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!eNULL";

constexpr unsigned char kHttp11[] = "\x08http/1.1";

tl::unexpected<std::string> refuse(const PemSource& source,
                                   std::string_view why) {
  const std::string path = path_to_show(source.file);
  return tl::make_unexpected(
      ":" + std::to_string(source.line) + ": " + source.key + ": " +
      (path.empty() ? "" : path + ": ") + std::string(why));
}

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "OpenSSL refuses it" : reason;
}

tl::expected<Bio, std::string> open(const PemSource& source,
                                    const ReadFile& read) {
  std::string text = source.text;
  if (!source.file.empty()) {
    auto contents = read(source.file);
    if (!contents) return refuse(source, contents.error());
    text = *std::move(contents);
  }
  Bio bio(BIO_new(BIO_s_mem()));
  BIO_write(bio.get(), text.data(), static_cast<int>(text.size()));
  OPENSSL_cleanse(text.data(), text.size());
  return bio;
}

// Not empty.
tl::expected<std::vector<Certificate>, std::string> certificates(
    const PemSource& source, const ReadFile& read) {
  const auto bio = open(source, read);
  if (!bio) return tl::make_unexpected(bio.error());
  std::vector<Certificate> all;
  while (X509* one = PEM_read_bio_X509(bio->get(), nullptr, nullptr, nullptr)) {
    all.emplace_back(one);
  }
  const unsigned long end = ERR_peek_last_error();
  ERR_clear_error();
  if (all.empty()) return refuse(source, "expected a certificate as PEM");
  if (ERR_GET_REASON(end) != PEM_R_NO_START_LINE) {
    return refuse(source, "a certificate in it is damaged");
  }
  return all;
}

// OpenSSL asks for a passphrase when a key is encrypted.
int on_passphrase(char* /*out*/, int /*size*/, int /*writes*/, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

tl::expected<Key, std::string> private_key(const PemSource& source,
                                           const ReadFile& read) {
  const auto bio = open(source, read);
  if (!bio) return tl::make_unexpected(bio.error());
  bool encrypted = false;
  Key key(
      PEM_read_bio_PrivateKey(bio->get(), nullptr, &on_passphrase, &encrypted));
  ERR_clear_error();
  if (key) return key;
  return refuse(source, encrypted
                            ? "the key is encrypted; expected one without a "
                              "passphrase"
                            : "expected a private key as PEM");
}

Done take_identity(SSL_CTX* context, const TlsServerConfig& config,
                   const ReadFile& read) {
  auto chain = certificates(config.certificate, read);
  if (!chain) return tl::make_unexpected(chain.error());
  const auto key = private_key(config.private_key, read);
  if (!key) return tl::make_unexpected(key.error());
  if (X509_check_private_key(chain->front().get(), key->get()) != 1) {
    ERR_clear_error();
    return refuse(config.private_key,
                  "the key does not match the "
                  "certificate; expected its own");
  }
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1) {
    return refuse(config.certificate, openssl_reason());
  }
  for (std::size_t i = 1; i < chain->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) != 1) {
      return refuse(config.certificate, openssl_reason());
    }
  }
  if (SSL_CTX_use_PrivateKey(context, key->get()) != 1) {
    return refuse(config.private_key, openssl_reason());
  }
  return {};
}

Done take_client_ca(SSL_CTX* context, const TlsServerConfig& config,
                    const ReadFile& read) {
  if (!judge_client_certificates(context, config.client_auth,
                                 config.client_allowed_sans)) {
    return refuse(config.client_ca, openssl_reason());
  }
  if (!config.client_ca.is_given()) return {};
  const auto roots = certificates(config.client_ca, read);
  if (!roots) return tl::make_unexpected(roots.error());
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  // As in Go, whatever is named is trusted, intermediates too.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const Certificate& root : *roots) {
    if (X509_STORE_add_cert(store, root.get()) != 1 ||
        SSL_CTX_add_client_CA(context, root.get()) != 1) {
      return refuse(config.client_ca, openssl_reason());
    }
  }
  return {};
}

int choose_protocol(SSL* /*ssl*/, const unsigned char** out,
                    unsigned char* out_length, const unsigned char* offered,
                    unsigned offered_length, void* /*arg*/) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kHttp11, sizeof(kHttp11) - 1,
                            offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;  // it may speak HTTP/1.1 all the same
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::uint64_t options_of(const TlsServerConfig& config) {
  // No tickets and no sessions: a client is judged by what is in force now.
  std::uint64_t options =
      SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION;
  if (config.prefer_server_ciphers) options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
  return options;
}

// Nothing is resumed.
void forget_sessions(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
}

Done take_versions_and_suites(SSL_CTX* context, const TlsServerConfig& config) {
  const bool is_old = config.min_version < TLS1_2_VERSION;
  // OpenSSL 3 allows SHA-1 in handshakes at this level only.
  if (is_old) SSL_CTX_set_security_level(context, 0);
  const char* ciphers = is_old ? kOldCiphers : kCiphers;
  if (!config.ciphers.empty()) ciphers = config.ciphers.c_str();
  const bool is_set =
      SSL_CTX_set_min_proto_version(context, config.min_version) == 1 &&
      SSL_CTX_set_max_proto_version(context, config.max_version) == 1 &&
      SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
      (config.ciphersuites.empty() ||
       SSL_CTX_set_ciphersuites(context, config.ciphersuites.c_str()) == 1) &&
      (config.groups.empty() ||
       SSL_CTX_set1_groups_list(context, config.groups.c_str()) == 1);
  if (is_set) return {};
  return tl::make_unexpected(": tls_server_config: " + openssl_reason());
}

}  // namespace

tl::expected<SslContext, std::string> make_tls_context(
    const TlsServerConfig& config, const ReadFile& read) {
  ERR_clear_error();
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) {
    return tl::make_unexpected(": tls_server_config: " + openssl_reason());
  }
  forget_sessions(context.get());
  SSL_CTX_set_options(context.get(), options_of(config));
  SSL_CTX_set_alpn_select_cb(context.get(), &choose_protocol, nullptr);
  const Done done =
      take_versions_and_suites(context.get(), config)
          .and_then([&] { return take_identity(context.get(), config, read); })
          .and_then(
              [&] { return take_client_ca(context.get(), config, read); });
  if (!done) return tl::make_unexpected(done.error());
  return context;
}

SslContext make_listening_context(SSL_client_hello_cb_fn on_hello, void* arg) {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return context;
  forget_sessions(context.get());
  // The hello decides; the system's own minimum shall not stand above it.
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_client_hello_cb(context.get(), on_hello, arg);
  return context;
}

bool use_tls_context(SSL* ssl, SSL_CTX* context,
                     const TlsServerConfig& config) {
  // This brings certificate, key, security level, suites, ALPN and client
  // CAs; the rest was copied when the connection began.
  if (SSL_set_SSL_CTX(ssl, context) != context) return false;
  SSL_set_options(ssl, options_of(config));
  SSL_set_verify(ssl, verify_mode(config.client_auth), nullptr);
  if (config.client_auth != ClientAuth::kNone) {
    STACK_OF(X509_NAME)* names =
        SSL_dup_CA_list(SSL_CTX_get_client_CA_list(context));
    SSL_set_client_CA_list(ssl, names);
  }
  return SSL_set_min_proto_version(ssl, config.min_version) == 1 &&
         SSL_set_max_proto_version(ssl, config.max_version) == 1 &&
         (config.ciphersuites.empty() ||
          SSL_set_ciphersuites(ssl, config.ciphersuites.c_str()) == 1) &&
         (config.groups.empty() ||
          SSL_set1_groups_list(ssl, config.groups.c_str()) == 1);
}

}  // namespace dbpool::exporter
