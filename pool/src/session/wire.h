// What everybody who reads results off the wire has to know of libpq.
//
// Thread-safety: as that of the connection.
#ifndef DBPOOL_POOL_SRC_SESSION_WIRE_H_
#define DBPOOL_POOL_SRC_SESSION_WIRE_H_

#include <libpq-fe.h>

namespace dbpool::detail {

// A command has one result, or an error after it; a server that sends more
// without an end is not one.
inline constexpr int kMaxLastResults = 16;

bool is_copy(ExecStatusType status) noexcept;
// The server ends the session after such an error.
bool is_fatal(const PGresult* result) noexcept;
// Decrypted bytes that libpq has not taken yet. It asks for what fits in its
// buffer, once; a TLS record may be larger (servers from 17 on send up to
// 16 KiB), and no event of the socket will tell of its rest.
bool holds_decrypted(PGconn* connection) noexcept;
void drop_notifications(PGconn* connection) noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_WIRE_H_
