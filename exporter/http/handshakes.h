// Whose TLS handshake failed: civetweb does not tell.
#ifndef DBPOOL_EXPORTER_HTTP_HANDSHAKES_H_
#define DBPOOL_EXPORTER_HTTP_HANDSHAKES_H_

#include <openssl/types.h>

#include <string_view>

#include "exporter/logging/logger.h"

namespace dbpool::exporter {

// Has each thread remember the client of the last handshake that it began.
void note_handshakes(SSL_CTX* context) noexcept;

// Logs, rate-limited, that the handshake which this thread is in failed.
void log_failed_handshake(Logger& log, std::string_view why) noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_HANDSHAKES_H_
