// Answers in gzip, for clients that take it.
//
// Thread-safety: pure functions; the route's is its handler's.
#ifndef DBPOOL_EXPORTER_HTTP_GZIP_H_
#define DBPOOL_EXPORTER_HTTP_GZIP_H_

#include <string>
#include <string_view>

#include "exporter/http/router.h"

namespace dbpool::exporter {

// Of a header Accept-Encoding (RFC 9110, 12.5.3): whether it has "gzip" or
// "*", with a weight other than 0.
bool accepts_gzip(std::string_view accept_encoding) noexcept;

// `text` as a gzip file, at zlib's quickest level. Throws std::bad_alloc.
std::string gzipped(std::string_view text);

// The same route, with its answers in gzip where the client accepts that.
Route in_gzip(Route route);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_GZIP_H_
