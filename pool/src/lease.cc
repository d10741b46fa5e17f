#include "dbpool/lease.h"

#include <utility>

#include "pool/src/pool_core.h"

namespace dbpool {

Lease::Lease(detail::PoolCore& core, Connection* connection,
             std::uint32_t slot) noexcept
    : core_(&core), connection_(connection), slot_(slot) {}

Lease::Lease(Lease&& other) noexcept
    : core_(other.core_),
      connection_(std::exchange(other.connection_, nullptr)),
      slot_(other.slot_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    release();
    core_ = other.core_;
    connection_ = std::exchange(other.connection_, nullptr);
    slot_ = other.slot_;
  }
  return *this;
}

void Lease::release() noexcept {
  if (connection_ == nullptr) return;
  Connection& connection = *std::exchange(connection_, nullptr);
  // In a child the pool's mutex may be locked for ever, and the connection
  // is the parent's.
  if (core_->forked()) return;
  core_->give_back(connection, slot_);
}

}  // namespace dbpool
