// What several questions to the server have in common.
#ifndef DBPOOL_EXPORTER_DIAGNOSIS_SERVER_SQL_H_
#define DBPOOL_EXPORTER_DIAGNOSIS_SERVER_SQL_H_

#include <string_view>

namespace dbpool::exporter {

// Connections that are kept from ordinary roles. reserved_connections came
// with PostgreSQL 16.
inline constexpr std::string_view kReservedConnectionsSql =
    "current_setting('superuser_reserved_connections')::int4 + "
    "coalesce(current_setting('reserved_connections', true)::int4, 0)";

// Of pg_stat_activity: is it a client's session? A role without pg_monitor
// sees of others' sessions neither state nor backend_type; that they have a
// database and a user tells them from most of the server's own processes.
inline constexpr std::string_view kIsClientSql =
    "(backend_type = 'client backend' OR (backend_type IS NULL "
    "AND datid IS NOT NULL AND usesysid IS NOT NULL))";

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DIAGNOSIS_SERVER_SQL_H_
