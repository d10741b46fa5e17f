#ifndef DBPOOL_EXPORTER_LOGGING_TIMESTAMP_H_
#define DBPOOL_EXPORTER_LOGGING_TIMESTAMP_H_

#include <chrono>
#include <string>

namespace dbpool::exporter {

// RFC 3339 in UTC with milliseconds, e.g. "2024-01-15T10:30:00.000Z".
// Thread-safe; does not depend on the locale or on TZ.
std::string rfc3339_utc(std::chrono::system_clock::time_point time);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LOGGING_TIMESTAMP_H_
