// /-/healthy and /-/ready: about this process alone, not the database.
#ifndef DBPOOL_EXPORTER_HTTP_LIFECYCLE_HANDLERS_H_
#define DBPOOL_EXPORTER_HTTP_LIFECYCLE_HANDLERS_H_

#include <functional>

#include "exporter/http/router.h"

namespace dbpool::exporter {

// 200 as long as it can answer at all.
Route healthy_route();

// 200 while `is_ready`, 503 otherwise: at shutdown. Called from any thread.
Route ready_route(std::function<bool()> is_ready);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_LIFECYCLE_HANDLERS_H_
