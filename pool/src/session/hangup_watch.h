// HangupWatch: notices that the server ended a session, whoever uses it.
//
// Each session is registered once, for the end of the stream only and edge
// triggered: the traffic of a lease wakes nobody, and a session that hung up
// is told once.
//
// Thread-safety: none; lives on the housekeeper's loop.
#ifndef DBPOOL_POOL_SRC_SESSION_HANGUP_WATCH_H_
#define DBPOOL_POOL_SRC_SESSION_HANGUP_WATCH_H_

#include <vector>

#include "pool/src/base/unique_fd.h"
#include "pool/src/brain/pool_state.h"

namespace dbpool::detail {

class HangupWatch {
 public:
  HangupWatch();  // throws std::system_error without a descriptor

  int fd() const noexcept { return epoll_.get(); }  // readable: see take()
  // The kernel may refuse (out of memory): then a lost session is found by
  // the check before it is lent, not at once.
  void add(int session_fd, ConnectionId id) noexcept;
  void remove(int session_fd) noexcept;
  // Moves those that hung up since the last call into `out` (cleared first);
  // at most 64, more are left for the next call.
  void take(std::vector<ConnectionId>& out);

 private:
  const UniqueFd epoll_;
};

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SESSION_HANGUP_WATCH_H_
