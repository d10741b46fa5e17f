// The database of one pool: by which URL or parts, its password, and TLS to it.
#ifndef DBPOOL_EXPORTER_SETTINGS_POOL_DATABASE_H_
#define DBPOOL_EXPORTER_SETTINGS_POOL_DATABASE_H_

#include <string>
#include <vector>

#include "exporter/settings/config_file.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

// Sets the database of `draft.pool`, unless it is a demo's: DATABASE_URL of the
// environment, or else that of `section`; certificates and key likewise.
// `given` are the pool's settings without the defaults, which `draft` has. Adds
// to `errors` one line for each mistake. Reads the files that are named.
void take_database(const Environment& environment, const PoolSection& section,
                   const Source& given, Draft& draft,
                   std::vector<std::string>& errors);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_POOL_DATABASE_H_
