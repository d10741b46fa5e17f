// What statistics and sink are told of a statement that has ended.
//
// Thread-safety: from any thread.
#ifndef DBPOOL_POOL_SRC_SESSION_STATEMENT_REPORT_H_
#define DBPOOL_POOL_SRC_SESSION_STATEMENT_REPORT_H_

#include "pool/src/session/session.h"

namespace dbpool::detail {

// `error` is null for a success. A kUsage is not told: nothing was sent.
void report_statement(const SessionContext& context, const Statement& statement,
                      const Params& params, Duration duration,
                      const Error* error);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_STATEMENT_REPORT_H_
