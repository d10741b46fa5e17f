// /config: the settings in force.
#ifndef DBPOOL_EXPORTER_HTTP_CONFIG_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_CONFIG_HANDLER_H_

#include <functional>
#include <string>

#include "exporter/http/router.h"

namespace dbpool::exporter {

// What `text` says: YAML without secrets, as config_page() makes it. Called
// from any thread.
Route config_route(std::function<std::string()> text);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_CONFIG_HANDLER_H_
