// .pgpass: libpq ignores one that others may read, and says so on standard
// error at each connection.
//
// Thread-safety: as far as nobody calls setenv() meanwhile.
#ifndef DBPOOL_POOL_SRC_OPENING_PASSFILE_H_
#define DBPOOL_POOL_SRC_OPENING_PASSFILE_H_

#include <optional>
#include <string>

#include "pool/src/opening/conninfo.h"

namespace dbpool::detail {

// A passfile that can never be there, which libpq takes without a word.
inline constexpr const char* kNoPassfile = "/dev/null/none";

// Why libpq will ignore the password file that is there, for people; empty
// for /dev/null, which is meant so. nullopt: it will not, has no need of one
// (`given` or PGPASSWORD has the password), or there is none. Reads the file's
// mode only.
std::optional<std::string> passfile_problem(const ConnValues& given,
                                            const ConnValues& effective);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_OPENING_PASSFILE_H_
