// What findings and actions say of holders, backends and limits.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_WORDS_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dbpool/connection_stats.h"
#include "dbpool/stats.h"
#include "exporter/diagnosis/database_view.h"
#include "exporter/diagnosis/verdict.h"

namespace dbpool::exporter {

// The cause in words: "Slow queries hold the connections".
std::string_view headline(Cause cause) noexcept;

// That a cause has gone. Of a database that is down requests fail rather than
// wait; unless somebody `is_served` it is not known to be back.
std::string_view end_headline(Cause was, bool is_served) noexcept;

// In what state a backend is: "active for 3 s, waits for Lock/relation",
// "state hidden from the exporter's role (GRANT pg_monitor to it)".
std::string state_for_people(const Backend& backend);

// `PID 4711, user "app", application "migrate", idle in transaction for 92 s`.
std::string backend_words(const Backend& backend);

// `"checkout" at checkout.cc:12`.
std::string holder_words(const ConnectionStats& holder);

// "7 of 10 connections".
std::string count_words(std::size_t count, std::size_t of);

// "SELECT pg_cancel_backend(4711)".
std::string call(std::string_view function, int pid);

// Who may send it, so that nobody tries in vain amid an outage; begins with a
// blank.
std::string privilege_words(const Backend& backend, const ServerLimits& me);

// What ends a session's hold on its locks, with the SQL. A cancel does nothing
// to a session that runs no statement.
std::string end_words(const Backend& backend, const ServerLimits& me);

// What bounds how many connections a pool can have.
struct Ceiling {
  std::int64_t connections = 0;
  std::string bound;  // "the CONNECTION LIMIT of the role …"
};
Ceiling ceiling_of(const PoolStats& stats, const ServerLimits& limits);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_WORDS_H_
