// Words for who holds a connection.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_EXPORTER_BASE_HOLDERS_H_
#define DBPOOL_EXPORTER_BASE_HOLDERS_H_

#include <string>

#include "dbpool/connection_stats.h"

namespace dbpool::exporter {

// "file.cc:12", without the folders of the build; empty when nobody holds it.
inline std::string acquired_at(const ConnectionStats& connection) {
  if (connection.file.empty()) return {};
  return connection.file.substr(connection.file.find_last_of('/') + 1) + ':' +
         std::to_string(connection.line);
}

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_HOLDERS_H_
