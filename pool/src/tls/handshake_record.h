// HandshakeRecord: what a TLS handshake of libpq met, which libpq does not
// tell: why a certificate was not trusted, which names it has, which alert
// the server sent, whether it asked for a client certificate.
//
// libpq makes an SSL_CTX of its own for each connection and frees it with
// everything in it as soon as something fails. So OpenSSL is asked to tell of
// each new SSL_CTX (SSL_CTX_get_ex_new_index), and those that are made within
// a Recording get callbacks that libpq has no use for. They only look on: what
// is accepted is decided by OpenSSL and libpq as ever. Without a record (an
// OpenSSL that tells nothing) messages fall back to libpq's text.
//
// Thread-safety: a record belongs to whoever drives its connection.
#ifndef DBPOOL_POOL_SRC_TLS_HANDSHAKE_RECORD_H_
#define DBPOOL_POOL_SRC_TLS_HANDSHAKE_RECORD_H_

#include <libpq-fe.h>

#include <optional>
#include <string>
#include <vector>

#include "dbpool/stats.h"
#include "dbpool/tls.h"

namespace dbpool::detail {

// A certificate that was not trusted.
struct Distrust {
  int error = 0;  // X509_V_ERR_…
  int depth = 0;  // 0: the server's own
  std::string subject, issuer;
  WallTime begins, ends;
};

struct HandshakeRecord {
  bool began = false;  // the server agreed to TLS
  bool done = false;   // keys are agreed on, the server's chain is accepted
  // Set when verification ended the handshake.
  std::optional<Distrust> distrust;
  std::vector<std::string> server_names;  // of its certificate; bounded
  std::optional<WallTime> chain_expiry;   // the earliest CA it was verified by
  bool certificate_requested = false;     // by the server
  bool certificate_sent = false;          // and we had one
  std::optional<int> alert;               // the server's last fatal one
};

// While it lives, calls to libpq on this thread write to `record`.
class Recording {
 public:
  explicit Recording(HandshakeRecord& record) noexcept;
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
};

// What a connection with TLS has; `record` is that of its handshake.
TlsStats read_tls(PGconn* connection, const HandshakeRecord& record);
// The common name of the certificate that we have for the server, or empty.
std::string client_name(PGconn* connection);
// Ends the recording on a connection that is open.
void stop_recording(PGconn* connection) noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_TLS_HANDSHAKE_RECORD_H_
