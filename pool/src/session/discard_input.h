#ifndef DBPOOL_POOL_SRC_SESSION_DISCARD_INPUT_H_
#define DBPOOL_POOL_SRC_SESSION_DISCARD_INPUT_H_

#include <cstdint>

namespace dbpool::detail {

enum class Discarded : std::uint8_t {
  kEnd,         // the other end has closed, or the socket is of no use
  kMoreToCome,  // there may be more, now or later
};

// Reads what has arrived and throws it away. Does not block; bounded, so that
// a server that never stops sending does not hold up the caller.
Discarded discard_input(int socket) noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_DISCARD_INPUT_H_
