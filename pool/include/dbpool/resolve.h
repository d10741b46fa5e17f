// resolve(): the addresses of a name, for who must look at them before it
// connects (ConnectionString's hostaddr).
//
// Thread-safety: from any number of threads.
#ifndef DBPOOL_RESOLVE_H_
#define DBPOOL_RESOLVE_H_

#include <stop_token>
#include <string>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/options.h"

namespace dbpool {

// Numeric, as getaddrinfo orders them, at most 32; those of a numeric address
// are that address. Blocks the calling thread until the answer is there, the
// deadline passed or `stop` is asked for, however long DNS hangs. Errors:
// kConnect with connect_failure kResolve; kCancelled.
Expected<std::vector<std::string>> resolve(const std::string& name,
                                           TimePoint deadline,
                                           const std::stop_token& stop = {});

}  // namespace dbpool

#endif  // DBPOOL_RESOLVE_H_
