// One statement in libpq's terms. All return false when libpq refuses to
// send; then nothing went to the server. None blocks.
//
// Thread-safety: none.
#ifndef DBPOOL_POOL_SRC_SESSION_SEND_STATEMENT_H_
#define DBPOOL_POOL_SRC_SESSION_SEND_STATEMENT_H_

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "dbpool/connection.h"

namespace dbpool::detail {

bool send_prepare(PGconn* connection, const std::string& name,
                  std::string_view sql, const Params& params);
bool send_prepared(PGconn* connection, const std::string& name,
                   const Params& params, ResultFormat format);
bool send_unprepared(PGconn* connection, std::string_view sql,
                     const Params& params, ResultFormat format);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_SEND_STATEMENT_H_
