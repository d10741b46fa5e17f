// Why a connection could not be opened: libpq's text and what is known about
// the attempt, turned into a ConnectFailure and a message that says what to
// do.
//
// Thread-safety: pure functions over plain values.
#ifndef DBPOOL_POOL_SRC_OPENING_CONNECT_FAILURE_H_
#define DBPOOL_POOL_SRC_OPENING_CONNECT_FAILURE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/connect.h"
#include "dbpool/error.h"
#include "pool/src/tls/handshake_record.h"

namespace dbpool::detail {

// A login takes some KiB, certificates and messages included.
inline constexpr std::uint64_t kMaxLoginBytes = std::uint64_t{1} << 20;

// Where one attempt goes.
struct Endpoint {
  // Name, address or socket folder, as given.
  std::string name = {};
  // Numeric, when it is known and not the name itself.
  std::string address = {};
  std::string port = {};

  bool is_socket() const noexcept {
    return address.empty() && (name.starts_with('/') || name.starts_with('@'));
  }
  // e.g. "db:5432", "db:5432 (10.0.0.7)", "[::1]:5432",
  // "socket /run/postgresql/.s.PGSQL.5432".
  std::string label() const;
};

// What is known about an attempt that libpq gave up.
struct AttemptFacts {
  ConnectPhase phase = ConnectPhase::kTcp;  // the one that was under way
  std::string_view text;                    // PQerrorMessage, verbose
  bool needs_password = false;  // asked for one that was not supplied
  bool wrong_session = false;   // usable but for target_session_attrs
  const HandshakeRecord* handshake = nullptr;  // null: nothing known
  std::string_view client_name = {};  // of our certificate, once in use
  std::string_view user = {};
};

Error attempt_error(const Endpoint& endpoint, const AttemptFacts& facts);
// `received`: bytes that came from the server.
Error timeout_error(const Endpoint& endpoint, ConnectPhase phase,
                    Duration after, std::uint64_t received);
// More than kMaxLoginBytes came.
Error flood_error(const Endpoint& endpoint, ConnectPhase phase);
Error resolve_error(const Endpoint& endpoint, std::string_view why);

// The failures of one opening, joined into one error. Bounded: keeps the
// most telling reason, and the messages of the first few.
class FailureList {
 public:
  void add(Error error);
  bool empty() const noexcept { return count_ == 0; }
  // The only error as it is; of several, the most telling one's reason and
  // SQLSTATE with a message that has them all. Not for an empty list.
  Error join() const;

 private:
  std::size_t count_ = 0;
  Error most_telling_;
  std::vector<std::string> messages_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_CONNECT_FAILURE_H_
