// Where a connection string leads to.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_OPENING_TARGET_HOSTS_H_
#define DBPOOL_POOL_SRC_OPENING_TARGET_HOSTS_H_

#include <vector>

#include "dbpool/connect.h"
#include "pool/src/opening/conninfo.h"

namespace dbpool::detail {

// The hosts that `effective` values name, by libpq's rules; never empty.
// Lists that contradict each other are filled up with defaults.
std::vector<ConnectionString::Host> hosts_in(const ConnValues& effective);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_TARGET_HOSTS_H_
