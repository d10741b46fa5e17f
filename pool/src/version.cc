#include "dbpool/version.h"

namespace dbpool {

std::string_view version() noexcept { return DBPOOL_VERSION; }

}  // namespace dbpool
