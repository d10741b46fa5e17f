// / : the live page for people. Without JavaScript it shows the pools as they
// are now, and where to go on.
#ifndef DBPOOL_EXPORTER_LIVE_LANDING_PAGE_H_
#define DBPOOL_EXPORTER_LIVE_LANDING_PAGE_H_

#include <functional>
#include <string>
#include <vector>

#include "exporter/http/health_handler.h"
#include "exporter/http/router.h"

namespace dbpool::exporter {

// `telemetry_path` is where the metrics are. `ask` is called from any thread.
Route landing_route(std::string telemetry_path,
                    std::function<std::vector<PoolHealth>()> ask);

// /assets/… : the page's styles and scripts.
std::vector<Route> asset_routes();

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LIVE_LANDING_PAGE_H_
