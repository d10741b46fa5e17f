// What settings say together: contradictions, and what follows from others.
#ifndef DBPOOL_EXPORTER_SETTINGS_CHECKS_H_
#define DBPOOL_EXPORTER_SETTINGS_CHECKS_H_

#include <string>
#include <vector>

#include "exporter/settings/definitions.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

// Completes `draft` once every setting has its value. `given` is what was
// given, without the defaults. Adds to `errors` one line for each
// contradiction.
void check_together(Draft& draft, const Source& given,
                    std::vector<std::string>& errors);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_CHECKS_H_
