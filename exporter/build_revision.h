#ifndef DBPOOL_EXPORTER_BUILD_REVISION_H_
#define DBPOOL_EXPORTER_BUILD_REVISION_H_

#include <string_view>

namespace dbpool::exporter {

// The short hash of the commit that was built, or "unknown".
std::string_view build_revision() noexcept;

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BUILD_REVISION_H_
