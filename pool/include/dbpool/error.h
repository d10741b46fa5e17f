// What can go wrong, as values.
//
// Every operation of the library that can fail returns Expected<T>. An Error
// has a kind for code, an SQLSTATE where the server gave one, and one message
// for people that says what to do. No message ever holds a password, a key,
// a statement's parameters, or a connection string with a password.
//
// Thread-safety: plain values. Ownership: an Error owns its text.
#ifndef DBPOOL_ERROR_H_
#define DBPOOL_ERROR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace dbpool {

// Why an acquire failed; the label `reason` of
// dbpool_acquire_failures_total. The timeouts name what the request was
// waiting for when its deadline passed.
enum class AcquireFailure : std::uint8_t {
  kTimeoutCapacity,     // every connection was leased or closing
  kTimeoutOpening,      // one was being opened or checked, too slowly
  kTimeoutBackendDown,  // no live connection, and a retry was under way
  kQueueFull,           // max_waiting_requests were waiting already
  kBackendDown,         // no live connection, the last opening failed
  kServerSlots,         // the database refuses more connections
  kCancelled,           // the caller gave up
  kClosed,              // the pool is closed, or was closed meanwhile
};
inline constexpr std::size_t kAcquireFailureCount = 8;

// Why a connection could not be opened; the label `reason` of
// dbpool_connection_failures_total.
enum class ConnectFailure : std::uint8_t {
  kResolve,  // the host name has no address, or DNS hangs
  // Nobody listens there; no such socket file; no way to that host; or the
  // other side hung up before the session began.
  kRefused,
  kTimeout,             // no answer within the time for an opening
  kTls,                 // the TLS handshake or a certificate failed
  kAuth,                // class 28: password, role, pg_hba
  kTooManyConnections,  // 53300: all slots taken
  kStartingUp,          // 57P03: starting, stopping or recovering
  kOther,
};
inline constexpr std::size_t kConnectFailureCount = 8;

// Why a statement failed; the label `reason` of
// dbpool_query_failures_total (kUsage is never counted: nothing was sent).
enum class StatementFailure : std::uint8_t {
  kTimeout,         // statement timeout, on the client or on the server
  kConnectionLost,  // the connection broke
  kServerError,     // the server said no; see Error::sqlstate
};
inline constexpr std::size_t kStatementFailureCount = 3;

// What became of a statement that failed.
enum class Outcome : std::uint8_t {
  kNotSent,  // the server never saw it: safe to run again
  kFailed,   // the server rolled it back
  kInDoubt,  // the connection broke after sending: it may have happened
};

enum class ErrorKind : std::uint8_t {
  kUsage,           // a mistake in the call; the message says which
  kAcquire,         // see Error::acquire_failure
  kConnect,         // see Error::connect_failure
  kStatement,       // see Error::statement_failure
  kCancelled,       // the caller cancelled the operation
  kResultTooLarge,  // more bytes than ExecuteOptions::max_result_bytes
  kForked,          // a pool or connection used in a child after fork()
};

struct Error {
  ErrorKind kind = ErrorKind::kUsage;
  // Set for the kinds that name them, otherwise nullopt.
  std::optional<AcquireFailure> acquire_failure = {};
  std::optional<ConnectFailure> connect_failure = {};
  std::optional<StatementFailure> statement_failure = {};
  Outcome outcome = Outcome::kNotSent;
  std::string sqlstate = {};  // five characters, or empty
  std::string message = {};   // one line for people, redacted
};

template <typename T>
using Expected = tl::expected<T, Error>;
using Unexpected = tl::unexpected<Error>;

// The label value, e.g. "timeout_capacity". Never fails, never blocks.
std::string_view to_string(AcquireFailure failure) noexcept;
std::string_view to_string(ConnectFailure failure) noexcept;
std::string_view to_string(StatementFailure failure) noexcept;
std::string_view to_string(Outcome outcome) noexcept;
std::string_view to_string(ErrorKind kind) noexcept;

// `text` with everything that may be a secret replaced by "***": the password
// of a connection URI (percent-encoded or not, in the authority or in the
// query); the values of password=, sslpassword=, sslkey=, token=, secret= and
// the like, quoted or not; private keys; in SQL the password of a role, and
// the arguments of crypt(), pgp_sym_encrypt(), hmac() and their like where
// one has a literal. In doubt with all that follows. All other text is kept.
std::string redact(std::string_view text);

}  // namespace dbpool

#endif  // DBPOOL_ERROR_H_
