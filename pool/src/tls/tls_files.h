// The files that sslrootcert, sslcert and sslkey name, looked at before libpq
// has use for them: it goes on without some that are missing.
//
// Thread-safety: a pure function, but for the files.
#ifndef DBPOOL_POOL_SRC_TLS_TLS_FILES_H_
#define DBPOOL_POOL_SRC_TLS_TLS_FILES_H_

#include <optional>

#include "dbpool/connect.h"
#include "pool/src/opening/conninfo.h"

namespace dbpool::detail {

// ConnectionString::tls_file_problem(); `effective` by effective_values().
std::optional<TlsFileProblem> tls_file_problem(const ConnValues& effective);

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_TLS_TLS_FILES_H_
