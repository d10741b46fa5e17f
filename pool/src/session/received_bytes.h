// ReceivedBytes: how much has been read from a socket since construction,
// without being the one who reads it.
//
// libpq tells nothing of a result before it has all of it in memory, and a
// bound on results must act before. The kernel knows: for TCP it counts what
// arrived; for a Unix socket the peek offset goes down by what is read.
//
// Thread-safety: none. The peek offset stays set: nobody may MSG_PEEK on the
// socket from then on.
#ifndef DBPOOL_POOL_SRC_SESSION_RECEIVED_BYTES_H_
#define DBPOOL_POOL_SRC_SESSION_RECEIVED_BYTES_H_

#include <cstdint>

namespace dbpool::detail {

class ReceivedBytes {
 public:
  // Starts to count.
  explicit ReceivedBytes(int fd) noexcept;

  // Bytes since the start; for TCP also those that arrived and have not been
  // read. 0 for ever where the kernel cannot tell. `fd` must still be open.
  std::uint64_t count() noexcept;

 private:
  int fd_;
  bool is_tcp_;
  std::uint64_t counted_ = 0;  // Unix socket: read until the last count()
  std::uint64_t base_ = 0;     // TCP: read before the start
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_RECEIVED_BYTES_H_
