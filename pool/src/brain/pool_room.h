// PoolRoom: what a pool could lend now, and who waits for it.
#ifndef DBPOOL_POOL_SRC_BRAIN_POOL_ROOM_H_
#define DBPOOL_POOL_SRC_BRAIN_POOL_ROOM_H_

#include <cstdint>

namespace dbpool::detail {

struct PoolRoom {
  std::uint32_t idle = 0;
  std::uint32_t max_connections = 0;
  bool may_grow = false;      // total < max_connections
  std::uint32_t waiting = 0;  // requests
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BRAIN_POOL_ROOM_H_
