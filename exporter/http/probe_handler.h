// /probe: the metrics of a target that the caller names; and what the last
// requests for it came to.
//
//   GET /probe?target=HOST[:PORT][/DATABASE]&module=NAME[&debug=true]
//
// 200 with the metrics, also of a target that is down (dbpool_up 0); 400 for
// what cannot be asked for; 503 with Retry-After past a bound. With debug=true
// the story, as comments, before the answer. No answer repeats what the caller
// wrote in a place where it could not be read.
#ifndef DBPOOL_EXPORTER_HTTP_PROBE_HANDLER_H_
#define DBPOOL_EXPORTER_HTTP_PROBE_HANDLER_H_

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "exporter/http/router.h"
#include "exporter/targets/targets.h"

namespace dbpool::exporter {

// The parameters and the scrape's timeout. Each at most once, none that is not
// known, percent-encoded (once) or not. The error is one line.
tl::expected<ProbeRequest, std::string> read_probe_request(
    const Request& request);

Route probe_route(std::shared_ptr<Targets> targets);

// /probe/results: one table for people.
Route probe_results_route(std::shared_ptr<const Targets> targets);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_PROBE_HANDLER_H_
