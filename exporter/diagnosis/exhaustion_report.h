// ExhaustionReport: why requests wait for a connection, and what helps: the
// holders of a pool's connections, their backends, who blocks those, and a
// next action that is safe to take.
//
// Thread-safety: plain values and pure functions.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_REPORT_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_REPORT_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dbpool/connection_stats.h"
#include "dbpool/stats.h"
#include "exporter/diagnosis/database_view.h"
#include "exporter/diagnosis/verdict.h"

namespace dbpool::exporter {

struct ExhaustionReport {
  std::uint64_t number = 0;  // from 1
  std::chrono::system_clock::time_point taken_at;
  PoolStats stats;  // without queries
  std::vector<ConnectionStats> connections;
  // The database's side, and why it is not there.
  std::optional<DatabaseView> database;
  std::string database_error;

  Verdict verdict;
  // How far DB_POOL_MAX could be raised; empty: not known.
  std::string ceiling;
};

// What is known put together; number and time are the caller's.
ExhaustionReport make_report(DiagnosisFacts facts);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_EXHAUSTION_REPORT_H_
