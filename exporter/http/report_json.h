// ExhaustionReport as JSON.
#ifndef DBPOOL_EXPORTER_HTTP_REPORT_JSON_H_
#define DBPOOL_EXPORTER_HTTP_REPORT_JSON_H_

#include <nlohmann/json_fwd.hpp>

#include "exporter/diagnosis/exhaustion_report.h"

namespace dbpool::exporter {

// {"number":3,"takenAt":"2024-01-15T10:30:00.000Z","finding":…,"action":…,
//  "ceiling":…,"pool":{…},"connections":[…],"backends":[…]}
// Times in seconds; what is not known is left out. Strings are valid UTF-8.
nlohmann::ordered_json report_json(const ExhaustionReport& report);

// {"cause":"leak","finding":…,"action":…}
nlohmann::ordered_json verdict_json(const Verdict& verdict);

// One of its backends.
nlohmann::ordered_json backend_json(const Backend& backend);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_REPORT_JSON_H_
