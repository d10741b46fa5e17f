// The version of the library that is linked, which may differ from the one
// whose headers were compiled against.
#ifndef DBPOOL_VERSION_H_
#define DBPOOL_VERSION_H_

#include <string_view>

namespace dbpool {

// For example "0.1.0". Never blocks; any thread.
std::string_view version() noexcept;

}  // namespace dbpool

#endif  // DBPOOL_VERSION_H_
