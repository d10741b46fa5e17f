// The table of settings gone through: from what was given to values.
#ifndef DBPOOL_EXPORTER_SETTINGS_APPLY_H_
#define DBPOOL_EXPORTER_SETTINGS_APPLY_H_

#include <string>
#include <string_view>
#include <vector>

#include "exporter/settings/definitions.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

// Sets in `draft` the settings of its pool, or else those of the program, as
// `given` has them or by default, and notes them as in force. Adds to `errors`
// one line for each mistake.
void apply_settings(bool of_pool, const Source& given, Draft& draft,
                    std::vector<std::string>& errors);

EffectiveSetting effective_setting(std::string name, std::string_view value,
                                   std::string source);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_APPLY_H_
