// The crew for TLS handshakes: reading the system's roots costs some 15 ms of
// CPU for each connection, and verifying a chain a few more, which the loop
// of a pool must not spend. A bounded crew of detached threads, shared by the
// whole process, does; no pool joins them.
//
// Thread-safety: all functions, from any thread. After fork() the child gets
// a crew of its own when it asks.
#ifndef DBPOOL_POOL_SRC_TLS_TLS_CREW_H_
#define DBPOOL_POOL_SRC_TLS_TLS_CREW_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "pool/src/base/crew.h"

namespace dbpool::detail {

inline constexpr std::size_t kMaxTlsThreads = 4;
inline constexpr std::size_t kMaxTlsQueue = 1000;

// As Crew::add(). Null: the caller does it itself.
std::shared_ptr<Ticket> request_tls(std::function<void()> work);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_TLS_TLS_CREW_H_
