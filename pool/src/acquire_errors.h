// The errors of acquire: one line that says which limit was hit, what the
// pool looked like, who holds the connections and what would help.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_ACQUIRE_ERRORS_H_
#define DBPOOL_POOL_SRC_ACQUIRE_ERRORS_H_

#include <string>
#include <string_view>
#include <vector>

#include "dbpool/connection_stats.h"
#include "dbpool/error.h"
#include "dbpool/stats.h"

namespace dbpool::detail {

// What an error tells, gathered under one lock.
struct AcquireFacts {
  static constexpr std::size_t kHolders = 3;

  PoolStats stats;                       // without queries
  std::vector<ConnectionStats> holders;  // leased for longest, at most kHolders
};

Error acquire_error(AcquireFailure failure, const AcquireFacts& facts);
Error forked_error(std::string_view pool_name);

// `text` without control characters, for messages of one line.
std::string one_line(std::string_view text);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_ACQUIRE_ERRORS_H_
