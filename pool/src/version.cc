#include "dbpool/version.h"

#include <libpq-fe.h>

namespace dbpool {

std::string_view version() noexcept { return DBPOOL_VERSION; }

std::string libpq_version() {
  // 150013 is 15.13: two parts since PostgreSQL 10.
  const int number = PQlibVersion();
  return std::to_string(number / 10'000) + "." +
         std::to_string(number % 10'000);
}

}  // namespace dbpool
