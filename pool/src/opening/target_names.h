// Names of users, databases and hosts: what stands in their place by mistake
// (a connection string, user:password) must neither be shown nor be used.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_OPENING_TARGET_NAMES_H_
#define DBPOOL_POOL_SRC_OPENING_TARGET_NAMES_H_

#include <string>
#include <string_view>

#include "dbpool/error.h"
#include "pool/src/opening/conninfo.h"

namespace dbpool::detail {

// The names for labels, logs and errors: "u:***" for u:p, "***@h" for a host
// u:p@h, and what redact() makes of any.
std::string shown_user(std::string_view user);
std::string shown_database(std::string_view database);
std::string shown_host(std::string_view host);

// Is each name in `effective` one? kUsage, with where it comes from and never
// the name, if one has the shape name:something (a host's that of an IPv6
// address aside), a database's or host's is a connection string, or a host's
// has an @. `given`: what the connection string itself has.
Expected<void> check_names(const ConnValues& given,
                           const ConnValues& effective);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_TARGET_NAMES_H_
