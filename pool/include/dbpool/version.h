// The version of the library that is linked, which may differ from the one
// whose headers were compiled against.
#ifndef DBPOOL_VERSION_H_
#define DBPOOL_VERSION_H_

#include <string>
#include <string_view>

namespace dbpool {

// For example "0.1.0". Never blocks; any thread.
std::string_view version() noexcept;

// The version of the libpq that is linked, for example "15.13". Never
// blocks; any thread.
std::string libpq_version();

}  // namespace dbpool

#endif  // DBPOOL_VERSION_H_
