// What an opening gives to libpq beyond what its target says.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_OPENING_OPENING_VALUES_H_
#define DBPOOL_POOL_SRC_OPENING_OPENING_VALUES_H_

#include <string>
#include <string_view>

#include "dbpool/options.h"
#include "pool/src/opening/conninfo.h"

namespace dbpool::detail {

// What is set where nobody asked for something else. `effective` knows the
// environment and the service file too.
ConnValues with_defaults(ConnValues values, const ConnValues& effective);

// With the server's own bound on statements. It comes first, so that one that
// somebody has given wins.
ConnValues with_backstop(ConnValues values, const ConnValues& effective,
                         Duration timeout);

// libpq's own limit for each host, which PQconnectPoll leaves to its caller.
Duration host_limit(const ConnValues& effective);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_OPENING_VALUES_H_
