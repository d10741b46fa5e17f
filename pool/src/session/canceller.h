// Canceller: asks the server to cancel statements, without ever blocking who
// asks. PQcancel blocks, so a bounded crew of detached threads does it; drain
// joins none of them.
//
// Behind a black hole a thread of the crew stays in PQcancel until the
// connection's tcp_user_timeout, and for as long as it takes where a server
// that is frozen accepts and never answers; libpq has no way to end it. So one
// server gets a share of the threads and of the queue only: what is meant for
// others goes past. And who has been in PQcancel for kCancelHangs gets a
// substitute, as whatever holds it up may answer others by now. Cancels whose
// session is gone by then are never sent.
//
// Thread-safety: all functions, from any thread. After fork() the child has a
// crew of its own.
#ifndef DBPOOL_POOL_SRC_SESSION_CANCELLER_H_
#define DBPOOL_POOL_SRC_SESSION_CANCELLER_H_

#include <libpq-fe.h>

#include <cstddef>
#include <memory>

#include "pool/src/base/crew.h"

namespace dbpool::detail {

inline constexpr std::size_t kMaxCancelThreads = 16;
inline constexpr std::size_t kMaxCancelThreadsForOne = 4;
inline constexpr Duration kCancelHangs = std::chrono::seconds(5);
inline constexpr std::size_t kMaxCancelQueue = 4096;
inline constexpr std::size_t kMaxCancelQueueForOne = 1024;

// Queues a cancel for what runs on `connection` now. The ticket is done when
// it has returned, whatever came of it: then it can hit nothing any more; at
// once if no cancel could be made (then nothing was sent). Never blocks.
std::shared_ptr<Ticket> request_cancel(PGconn* connection);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_CANCELLER_H_
