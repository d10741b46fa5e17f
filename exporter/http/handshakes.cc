#include "exporter/http/handshakes.h"

#include <openssl/ssl.h>

#include <exception>
#include <string>

#include "exporter/http/open_sockets.h"

namespace dbpool::exporter {

namespace {

thread_local std::string last_client;  // empty: unknown

void note_client(const SSL* ssl, int where, int /*result*/) noexcept {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  try {
    last_client = client_address(SSL_get_fd(ssl)).value_or("");
  } catch (const std::exception&) {  // out of memory
    last_client.clear();
  }
}

}  // namespace

void note_handshakes(SSL_CTX* context) noexcept {
  SSL_CTX_set_info_callback(context, &note_client);
}

void log_failed_handshake(Logger& log, std::string_view why) noexcept {
  constexpr std::string_view kKey = "tls handshake";
  constexpr std::string_view kText = "a TLS handshake failed";
  if (last_client.empty()) {
    log.limited(LogLevel::kWarn, kKey, kText, {{"error", why}});
  } else {
    log.limited(LogLevel::kWarn, kKey, kText,
                {{"client", last_client}, {"error", why}});
  }
}

}  // namespace dbpool::exporter
