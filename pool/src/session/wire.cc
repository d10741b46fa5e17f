#include "pool/src/session/wire.h"

#include <openssl/ssl.h>

#include "pool/src/session/pg_result.h"

namespace dbpool::detail {

bool is_copy(ExecStatusType status) noexcept {
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT ||
         status == PGRES_COPY_BOTH;
}

bool is_fatal(const PGresult* result) noexcept {
  const auto severity = error_field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == "FATAL" || severity == "PANIC";
}

bool holds_decrypted(PGconn* connection) noexcept {
  auto* const tls = static_cast<SSL*>(PQgetssl(connection));
  return tls != nullptr && SSL_pending(tls) > 0;
}

void drop_notifications(PGconn* connection) noexcept {
  while (PGnotify* notification = PQnotifies(connection)) {
    PQfreemem(notification);
  }
}

}  // namespace dbpool::detail
