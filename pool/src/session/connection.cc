#include "dbpool/connection.h"

#include <libpq-fe.h>

#include <cassert>
#include <utility>

#include "pool/src/session/exchange.h"
#include "pool/src/session/session.h"
#include "pool/src/session/statement_error.h"
#include "pool/src/waiting/async_driver.h"
#include "pool/src/waiting/blocking_wait.h"

namespace dbpool {
namespace {

// Before anything of the session is touched: in a child of fork() even its
// state is the parent's.
std::optional<Error> refusal(const detail::Session& session) {
  if (session.forked()) {
    Error error;
    error.kind = ErrorKind::kForked;
    error.message =
        "the connection was opened before fork(); a child must open its own";
    return error;
  }
  if (session.busy()) {
    return detail::usage_error(
        "an earlier statement on this connection has not ended; a connection "
        "runs one at a time");
  }
  return std::nullopt;
}

// What an async_execute keeps alive, the exchange's own end last.
struct Operation final : detail::AsyncJob {
  detail::CompletionPtr<Expected<Rows>> completion;
  const std::string name;
  const std::string sql;
  const Params params;
  detail::Exchange exchange;

  Operation(detail::Session& session, std::string query_name,
            std::string sql_text, Params parameters,
            const ExecuteOptions& options,
            detail::CompletionPtr<Expected<Rows>> on_completion)
      : completion(std::move(on_completion)),
        name(std::move(query_name)),
        sql(std::move(sql_text)),
        params(std::move(parameters)),
        exchange(session, Statement(name, sql), params, options, Clock::now()) {
  }

  std::optional<detail::Wait> step(TimePoint now, bool ready) override {
    return exchange.step(now, ready);
  }
  const asio::any_io_executor& executor() const noexcept override {
    return completion->executor();
  }
  void request_cancel() noexcept override { exchange.request_cancel(); }
  void finish(detail::EndsIn where) override {
    if (where == detail::EndsIn::kEvent) {
      completion->complete_in_event(exchange.take_result());
    } else {
      completion->complete(exchange.take_result());
    }
  }
};

}  // namespace

Connection::Connection(std::unique_ptr<detail::Session> session) noexcept
    : session_(std::move(session)) {}

Connection::~Connection() = default;

Expected<Rows> Connection::execute(const Statement& statement,
                                   const Params& params,
                                   const ExecuteOptions& options) {
  if (auto error = refusal(*session_)) {
    return tl::unexpected(std::move(*error));
  }
  session_->detach_driver();
  detail::Exchange exchange(*session_, statement, params, options,
                            Clock::now());
  if (options.stop.stop_requested()) exchange.request_cancel();
  if (!detail::blocking_wait(exchange, options.stop)) {
    exchange.abandon();
    detail::blocking_wait(exchange);
  }
  return exchange.take_result();
}

void Connection::start_execute(
    std::string name, std::string sql, Params params,
    const ExecuteOptions& options,
    detail::CompletionPtr<Expected<Rows>> completion) {
  if (auto error = refusal(*session_)) {
    return completion->complete(tl::unexpected(std::move(*error)));
  }
  const auto slot = completion->cancellation_slot();
  auto operation = std::make_shared<Operation>(
      *session_, std::move(name), std::move(sql), std::move(params), options,
      std::move(completion));
  // Shared: it goes on while the handler may be done with the connection.
  const auto driver = session_->async_driver();
  driver->start(std::move(operation), slot);
}

TransactionStatus Connection::transaction_status() const noexcept {
  return session_->transaction_status();
}

bool Connection::is_broken() const noexcept { return session_->broken(); }

int Connection::backend_pid() const noexcept {
  return PQbackendPID(session_->pg());
}

int Connection::server_version() const noexcept {
  return PQserverVersion(session_->pg());
}

std::string Connection::parameter(std::string_view name) const {
  const char* const value =
      PQparameterStatus(session_->pg(), std::string(name).c_str());
  return value == nullptr ? std::string() : std::string(value);
}

std::unique_ptr<detail::Session> Connection::take_session() noexcept {
  return std::move(session_);
}

}  // namespace dbpool
