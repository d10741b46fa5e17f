// What may not run on a connection that callers share: whatever begins or ends
// a transaction, changes the session, or copies.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_REFUSAL_H_
#define DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_REFUSAL_H_

#include <optional>
#include <string_view>

#include "dbpool/error.h"

namespace dbpool::detail {

// kUsage if the first command of `sql` is such a one; nullopt if not. (The
// server itself refuses a second command.) What functions do to the session
// cannot be seen.
std::optional<Error> find_sharing_error(std::string_view sql);

// Is that command, or command tag of the server's, such a one?
bool is_unshareable(std::string_view command) noexcept;

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_MULTIPLEX_MULTIPLEX_REFUSAL_H_
