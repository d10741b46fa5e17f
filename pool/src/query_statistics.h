// QueryStatistics: counts and latencies of statements by name, outside the
// pool's lock. Names are bounded: past max_names they fold into "other".
//
// Thread-safety: all functions, from any thread. The hot path takes one
// shard's mutex shortly.
#ifndef DBPOOL_POOL_SRC_QUERY_STATISTICS_H_
#define DBPOOL_POOL_SRC_QUERY_STATISTICS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "dbpool/stats.h"

namespace dbpool::detail {

class QueryStatistics {
 public:
  explicit QueryStatistics(std::uint32_t max_names);
  ~QueryStatistics();

  // `name` empty: "unnamed". A name that is not valid UTF-8 or longer than
  // 100 bytes folds into "other".
  void record(std::string_view name, Duration duration,
              std::optional<StatementFailure> failure);

  std::vector<QueryStats> snapshot() const;  // sorted by name

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_QUERY_STATISTICS_H_
