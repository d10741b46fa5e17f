#include "dbpool/connect.h"

#include <utility>

#include "pool/src/opening/opening.h"
#include "pool/src/session/session.h"
#include "pool/src/waiting/blocking_wait.h"

namespace dbpool {

Expected<Connected> connect(const ConnectionString& target,
                            const ConnectOptions& options) {
  if (options.timeout <= Duration{0}) {
    return Unexpected(
        Error{.kind = ErrorKind::kUsage,
              .message = "ConnectOptions::timeout must be above zero"});
  }
  auto context =
      std::make_shared<const detail::SessionContext>(detail::SessionContext{
          .timeouts = std::make_shared<const detail::Timeouts>(
              options.statement_timeout, options.cancel_grace),
          .server_statement_timeout = options.server_statement_timeout,
          .max_prepared_statements = options.max_prepared_statements,
          .sink = options.sink,
          .statistics = nullptr,
          .pool_name = options.pool_name});
  detail::Opening opening(std::make_shared<const ConnectionString>(target),
                          options.timeout, std::move(context), Clock::now());
  if (!detail::blocking_wait(opening, options.stop)) {
    return Unexpected(Error{.kind = ErrorKind::kCancelled,
                            .message = "the caller abandoned the opening"});
  }
  auto opened = opening.take_result();
  if (!opened) return Unexpected(std::move(opened.error()));
  Connected connected;
  connected.connection =
      std::make_unique<Connection>(std::move(opened->session));
  connected.total = opened->total;
  connected.phases = opened->phases;
  return connected;
}

}  // namespace dbpool
