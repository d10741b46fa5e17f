// / : a page for people, with the pools at a glance and where to go on.
#ifndef DBPOOL_EXPORTER_HTTP_LANDING_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_LANDING_HANDLER_H_

#include <functional>
#include <string>
#include <vector>

#include "exporter/http/health_handler.h"
#include "exporter/http/router.h"

namespace dbpool::exporter {

// `telemetry_path` is where the metrics are. `ask` is called from any thread.
Route landing_route(std::string telemetry_path,
                    std::function<std::vector<PoolHealth>()> ask);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_LANDING_HANDLER_H_
