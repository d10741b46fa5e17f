// What settings say together: contradictions, and what follows from others.
#ifndef DBPOOL_EXPORTER_SETTINGS_CHECKS_H_
#define DBPOOL_EXPORTER_SETTINGS_CHECKS_H_

#include <string>
#include <vector>

#include "exporter/settings/definitions.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

// Add to `errors` one line for each contradiction: of the settings of no pool,
void check_program(const Settings& settings, std::vector<std::string>& errors);

// and of those of a pool, which it completes, once each has its value. `given`
// is what was given of it, without the defaults.
void check_pool(Draft& draft, const Source& given,
                std::vector<std::string>& errors);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_CHECKS_H_
