// The state of a pool in one line of words.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_DEMO_STATE_LINE_H_
#define DBPOOL_EXPORTER_DEMO_STATE_LINE_H_

#include <string>
#include <string_view>

#include "dbpool/options.h"
#include "dbpool/stats.h"

namespace dbpool::exporter {

// One word, or two, by the first that applies:
//   closed       close() was called
//   no slots     someone waits because the database refuses connections
//   down         nothing is alive and openings fail; who came would wait
//   exhausted    someone waits for capacity
//   opening      someone waits for a connection being opened or checked
//   busy         at least half of the limit is leased
//   calm         otherwise
std::string_view state_word(const PoolStats& stats);

// E.g. "exhausted  10/10 active, 34 waiting (capacity), oldest 1.2 s —
// exhausted 100 %, 201 acquires/s, p99 ≤ 2.5 s, 3 failed (timeout_capacity)".
// What follows the dash happened since `before`, `elapsed` ago (> 0).
std::string state_line(const PoolStats& before, const PoolStats& now,
                       Duration elapsed);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DEMO_STATE_LINE_H_
