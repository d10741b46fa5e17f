// Lease: a connection on loan from a pool.
//
// Move-only; gives the connection back in its destructor, which takes the
// pool's lock shortly and does no I/O (what is left in a transaction is
// rolled back by the pool's own thread). A lease may outlive the Pool
// object, whose core the pool's thread keeps for it; but close() waits for it.
//
// Thread-safety: none, but a lease may move between threads. In a child after
// fork() its destructor does nothing.
#ifndef DBPOOL_LEASE_H_
#define DBPOOL_LEASE_H_

#include <cstdint>

#include "dbpool/connection.h"

namespace dbpool {

namespace detail {
class PoolCore;
}

class Lease {
 public:
  Lease() noexcept = default;  // empty
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { release(); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  explicit operator bool() const noexcept { return connection_ != nullptr; }
  Connection& operator*() const noexcept { return *connection_; }
  Connection* operator->() const noexcept { return connection_; }

  // Gives the connection back now; the lease is empty afterwards. No
  // operation may be under way on it. Idempotent.
  void release() noexcept;

 private:
  friend class detail::PoolCore;
  Lease(detail::PoolCore& core, Connection* connection,
        std::uint32_t slot) noexcept;

  detail::PoolCore* core_ = nullptr;
  Connection* connection_ = nullptr;
  std::uint32_t slot_ = 0;
};

}  // namespace dbpool

#endif  // DBPOOL_LEASE_H_
