// /debug/pools as HTML. Whatever others can name (statements, tags, users) is
// escaped, and no script may run on the page at all.
//
// Thread-safety: a pure function.
#ifndef DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_PAGE_H_
#define DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_PAGE_H_

#include <string>
#include <vector>

#include "exporter/http/debug_pools_handler.h"

namespace dbpool::exporter {

std::string debug_pools_page(const std::vector<PoolHolders>& pools,
                             const std::vector<ReportPtr>& reports);

// One pool with its connections, as a part of a page.
void append_pool_holders(std::string& page, const PoolHolders& pool);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_DEBUG_POOLS_PAGE_H_
