// /-/healthy and /-/ready: about this process alone, not the database; and
// /-/reload.
#ifndef DBPOOL_EXPORTER_HTTP_LIFECYCLE_HANDLERS_H_
#define DBPOOL_EXPORTER_HTTP_LIFECYCLE_HANDLERS_H_

#include <functional>
#include <string>
#include <vector>

#include "exporter/http/router.h"

namespace dbpool::exporter {

// 200 as long as it can answer at all.
Route healthy_route();

// 200 while `is_ready`, 503 otherwise: at start and shutdown. Called from any
// thread.
Route ready_route(std::function<bool()> is_ready);

// POST /-/reload has the settings reloaded and answers when that is done: 200,
// or 500 with the mistakes, one a line. Once a second at most, else 429.
// `reload` is called from any thread, one at a time.
Route reload_route(std::function<std::vector<std::string>()> reload);

// /-/reload where it is not enabled: 404, with the flag that enables it.
std::vector<Route> no_reload_routes();

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_LIFECYCLE_HANDLERS_H_
