// Connection: one session with the server, on which statements run.
//
// A connection belongs to one caller at a time: it comes with a Lease (then
// the pool owns it), or from dbpool::connect() (then the caller does). One
// operation at a time; execute() and async_execute() run the same code and
// differ only in who waits for the wire.
//
// Thread-safety: none, but a connection may move between threads with its
// owner. After fork() the child must not use it: execute() says kForked.
#ifndef DBPOOL_CONNECTION_H_
#define DBPOOL_CONNECTION_H_

#include <asio/any_io_executor.hpp>
#include <asio/async_result.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "dbpool/detail/completion.h"
#include "dbpool/error.h"
#include "dbpool/options.h"
#include "dbpool/result.h"

namespace dbpool {

// A statement, a view of texts that must outlive the call it is passed to.
// `name` is the label `query` of its metrics; empty: "unnamed".
struct Statement {
  Statement(std::string_view sql_text) : sql(sql_text) {}    // NOLINT
  Statement(const char* sql_text) : sql(sql_text) {}         // NOLINT
  Statement(const std::string& sql_text) : sql(sql_text) {}  // NOLINT
  Statement(std::string_view query_name, std::string_view sql_text)
      : name(query_name), sql(sql_text) {}

  std::string_view name;
  std::string_view sql;  // one statement, $1 … for parameters
};

enum class ResultFormat : std::uint8_t { kText, kBinary };

struct ExecuteOptions {
  // nullopt: the pool's statement_timeout. Zero or less: at once too late.
  std::optional<Duration> timeout = {};
  ResultFormat format = ResultFormat::kText;
  // Prepare once for each connection and reuse (bounded cache).
  bool prepare = true;
  // Of execute() only. Once it is asked to stop the call returns kCancelled
  // without waiting for the server, and the connection is broken: the server
  // is told to cancel, and whether the statement took effect is in doubt.
  std::stop_token stop = {};
  // A larger result ends the statement with kResultTooLarge and closes its
  // connection after the lease. What counts is the memory that libpq takes
  // for the result (up to twice its values and some 16 bytes for each, at
  // least some 3 KiB in all); while it comes in, the bytes on the wire, which
  // are fewer. Default 1 GiB, libpq's own bound per row.
  //
  // After a result of more than 64 MiB the connection is closed with its
  // lease, and a second later the pool's thread gives the heap's free pages
  // back to the system (malloc_trim).
  std::size_t max_result_bytes = std::size_t{1} << 30;
};

enum class TransactionStatus : std::uint8_t {
  kIdle,           // outside a transaction
  kActive,         // a statement is under way
  kInTransaction,  // inside one
  kInError,        // inside one that failed
  kUnknown,        // the connection is broken
};

std::string_view to_string(TransactionStatus status) noexcept;

namespace detail {
class Session;
}

class Connection {
 public:
  explicit Connection(std::unique_ptr<detail::Session> session) noexcept;
  ~Connection();  // closes the session (a Terminate, without waiting)
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs one statement and blocks the calling thread until its result is
  // there, its timeout passed, or the connection broke. Copies nothing that
  // outlives the call. Errors: kStatement (with sqlstate and outcome),
  // kResultTooLarge, kUsage, kForked.
  //
  // A timed-out statement is cancelled on the server; the call ends when the
  // wire is idle again and the cancel has returned, else after cancel_grace,
  // and then the connection is broken. A statement that succeeds although its
  // time has passed is a success. COPY from or to the client is refused with
  // kUsage, which costs the connection.
  Expected<Rows> execute(const Statement& statement, const Params& params = {},
                         const ExecuteOptions& options = {});

  // The same without blocking. Completes with Expected<Rows>, always through
  // the handler's associated executor (asio::system_executor if it has none)
  // and never inside this call. `params` and the statement's texts are copied.
  // Supports per-operation cancellation (terminal, partial, total): the
  // statement is then cancelled on the server. The connection must stay alive
  // until completion.
  template <typename CompletionToken>
  auto async_execute(const Statement& statement, Params params,
                     const ExecuteOptions& options, CompletionToken&& token) {
    return asio::async_initiate<CompletionToken, void(Expected<Rows>)>(
        // clang-tidy sees no move inside a generic lambda.
        // NOLINTNEXTLINE(performance-unnecessary-value-param)
        [this](auto handler, std::string name, std::string sql,
               // NOLINTNEXTLINE(performance-unnecessary-value-param)
               Params moved_params, ExecuteOptions moved_options) {
          start_execute(
              std::move(name), std::move(sql), std::move(moved_params),
              moved_options,
              detail::make_completion<Expected<Rows>>(std::move(handler)));
        },
        token, std::string(statement.name), std::string(statement.sql),
        std::move(params), options);
  }
  template <typename CompletionToken>
  auto async_execute(const Statement& statement, Params params,
                     CompletionToken&& token) {
    return async_execute(statement, std::move(params), ExecuteOptions{},
                         std::forward<CompletionToken>(token));
  }

  // Facts; none blocks or talks to the server.
  TransactionStatus transaction_status() const noexcept;
  bool is_broken() const noexcept;  // as far as is known
  int backend_pid() const noexcept;
  int server_version() const noexcept;  // 150018 for 15.18
  // A run-time parameter as the server last reported it, e.g.
  // "server_encoding"; empty if it does not report that one.
  std::string parameter(std::string_view name) const;

  // The session behind it; for the library's own use. After take_session()
  // the connection may only be destroyed.
  detail::Session& session() noexcept { return *session_; }
  std::unique_ptr<detail::Session> take_session() noexcept;

 private:
  void start_execute(std::string name, std::string sql, Params params,
                     const ExecuteOptions& options,
                     detail::CompletionPtr<Expected<Rows>> completion);

  std::unique_ptr<detail::Session> session_;
};

}  // namespace dbpool

#endif  // DBPOOL_CONNECTION_H_
