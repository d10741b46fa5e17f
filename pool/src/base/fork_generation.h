// fork_generation(): tells a child of fork() from its parent.
//
// A getpid() costs a system call each time; a counter that an atfork handler
// raises in the child costs one load.
//
// Thread-safety: from any thread, also in a child of a threaded process.
#ifndef DBPOOL_POOL_SRC_BASE_FORK_GENERATION_H_
#define DBPOOL_POOL_SRC_BASE_FORK_GENERATION_H_

#include <cstdint>

namespace dbpool::detail {

// How often this process and its ancestors have forked since the library was
// loaded; a child sees another number than its parent. Never blocks. Children
// made by vfork() or a raw clone() are not told apart: they must exec.
std::uint64_t fork_generation() noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_BASE_FORK_GENERATION_H_
