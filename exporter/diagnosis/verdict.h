// Verdict: why requests wait for a connection: one cause, its evidence in a
// sentence, and what would help.
//
// The first row that fits; "holder" is a lease that is out, and an old one has
// been held for the threshold and, once a baseline is known, for
// kUnusual times as long as a lease usually is. That a holder runs a statement,
// or none, counts once it has done so for half of its lease: what has just
// begun does not tell where the time went.
//
//   cause                when
//   backend_down         the database is down as /health tells it, or requests
//                        wait for backend_down, or failed for it and no
//                        connection is live; or requests wait, it was asked and
//                        gave no answer, and no connection was handed out
//                        meanwhile
//   server_slots         requests wait or failed for server_slots
//   none                 no more than 1 % of the acquires of the last seconds
//                        waited for longer than 100 ms or failed, and nobody
//                        has waited that long now
//   opening_slow         more requests wait for openings than for capacity, or
//                        capacity is taken by connections that are closing
//   lock_contention      a fifth of the holders or more wait for a lock
//   leak                 a holder is older than the leak threshold, and runs no
//                        statement
//   slow_queries         old holders explain it, and most of them run
//                        statements
//   idle_in_transaction  old holders explain it, and most of them run none
//   idle_in_transaction  half of the holders or more run no statement, or none
//                        ran for half of the time of late leases
//   slow_queries         statements take kUnusual times as long as usual, or,
//                        while that is not known, longer than the threshold;
//                        or than 100 ms and leases longer than the threshold,
//                        for half of which or more statements run
//   too_small            otherwise
//
// Old holders explain it when they are half of all, or when the connections
// would be enough for the load without them.
//
// Thread-safety: plain values and pure functions.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_VERDICT_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_VERDICT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/connection_stats.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"
#include "exporter/diagnosis/database_view.h"
#include "exporter/diagnosis/load.h"

namespace dbpool::exporter {

// The label `cause`, the graver first.
enum class Cause : std::uint8_t {
  kNone,
  kBackendDown,        // the database cannot be reached
  kServerSlots,        // the database refuses more connections
  kLockContention,     // holders wait for a lock
  kLeak,               // leases were not given back
  kSlowQueries,        // holders run slow statements
  kIdleInTransaction,  // holders work outside of the database
  kOpeningSlow,        // connections are opened too slowly
  kTooSmall,           // more is asked for than the connections serve
};
inline constexpr std::size_t kCauseCount = 9;
std::string_view to_string(Cause cause) noexcept;

struct Verdict {
  Cause cause = Cause::kNone;
  std::string finding;  // the evidence, in a sentence
  std::string action;   // what would help, with the SQL filled in
};

inline constexpr int kUnusual = 3;

// How many connections the load needs.
struct Sizing {
  std::optional<double> offered;        // of which load, in connections
  bool is_known = false;                // enough of the load to say more
  std::optional<std::uint32_t> needed;  // nullopt: no number is enough
};

// What is known about a pool at an instant.
struct DiagnosisFacts {
  PoolStats stats;  // without queries
  std::vector<ConnectionStats> connections;
  std::optional<DatabaseView> database;  // nullopt: not asked, or no answer
  std::string database_error;            // why not
  // It was asked and gave no answer of any kind, and no connection was handed
  // out meanwhile.
  bool is_silent = false;
  // No new connection to it can be opened, or the one beside the pool was lost
  // or got no answer.
  bool is_unreachable = false;
  std::string down;  // why the database is down; empty: it is not
  Load recent;       // the last few seconds
  Load load;         // the last minute, or since requests began to wait
  std::optional<Load> baseline;
  Duration threshold{0};                   // from when a holder may be old
  std::optional<Duration> leak_threshold;  // nullopt: nothing is a leak
};

Sizing size(const Load& load);

// Is a connection idle, lent or being checked, or was one handed out lately, or
// did the database answer?
bool is_served(const DiagnosisFacts& facts);

// Did requests wait for too long lately, or do they now?
bool is_strained(const DiagnosisFacts& facts);

Verdict judge(const DiagnosisFacts& facts);

// As judge(), for a report, which is taken once: that no request waits does not
// make up for a database that could not be reached.
Verdict judge_once(const DiagnosisFacts& facts);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_VERDICT_H_
