// Where DB_SSL and its like would take away what the URL demands.
#ifndef DBPOOL_EXPORTER_SETTINGS_TLS_CONTRADICTIONS_H_
#define DBPOOL_EXPORTER_SETTINGS_TLS_CONTRADICTIONS_H_

#include <string>
#include <vector>

#include "exporter/settings/libpq_tls.h"
#include "exporter/settings/tls.h"

namespace dbpool::exporter {

bool has_material(const TlsWishes& wishes);
// DB_SSL_CA, DB_SSL_CERT or DB_SSL_KEY, as the user wrote it: the first of
// those that are given.
const std::string& material_name(const TlsWishes& wishes);

// Who turns TLS on, beside sslmode and the profile; or empty.
std::string who_wants_tls(const LibpqTls& said, const TlsWishes& wishes);

// One line each.
std::vector<std::string> tls_contradictions(const LibpqTls& said,
                                            const TlsWishes& wishes);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_TLS_CONTRADICTIONS_H_
