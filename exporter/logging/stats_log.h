// StatsLog: one line a minute for each pool, as getPoolStats() users wrote it,
// in the words of /stats.
#ifndef DBPOOL_EXPORTER_LOGGING_STATS_LOG_H_
#define DBPOOL_EXPORTER_LOGGING_STATS_LOG_H_

#include <chrono>
#include <functional>
#include <vector>

#include "dbpool/options.h"
#include "dbpool/stats.h"
#include "exporter/base/ticker.h"
#include "exporter/logging/logger.h"

namespace dbpool::exporter {

inline constexpr Duration kStatsLogInterval = std::chrono::minutes(1);

// Writes from a thread of its own until it is destroyed.
class StatsLog {
 public:
  // `log` must outlive it; `snapshot` is called on its thread.
  StatsLog(Logger& log, std::function<std::vector<PoolStats>()> snapshot,
           Duration interval = kStatsLogInterval);

 private:
  const Ticker ticker_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LOGGING_STATS_LOG_H_
