// TLS for the server: one SSL_CTX for each state of the configuration, and
// what of it has to be set on each connection.
#ifndef DBPOOL_EXPORTER_WEB_CONFIG_TLS_CONTEXT_H_
#define DBPOOL_EXPORTER_WEB_CONFIG_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "exporter/web_config/web_config.h"

namespace dbpool::exporter {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSslContext>;

// The text of a file, or why there is none.
using ReadFile = std::function<tl::expected<std::string, std::string>(
    const std::string& path)>;

// Reads certificate, key and client CA (through `read`) and checks them. The
// error is one line that begins with ":LINE: KEY: ", to follow the path of the
// configuration; a key's text is never in it.
tl::expected<SslContext, std::string> make_tls_context(
    const TlsServerConfig& config, const ReadFile& read);

// A context without a certificate, for the server's whole life. `on_hello`
// chooses what is in force when a client says hello, by use_tls_context().
SslContext make_listening_context(SSL_client_hello_cb_fn on_hello, void* arg);

// For an on_hello: makes `ssl` use `context`, which was made of `config`.
// False when OpenSSL refuses.
bool use_tls_context(SSL* ssl, SSL_CTX* context, const TlsServerConfig& config);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WEB_CONFIG_TLS_CONTEXT_H_
