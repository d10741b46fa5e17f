// /config: the settings in force, as a configuration file would have them.
#ifndef DBPOOL_EXPORTER_SETTINGS_CONFIG_PAGE_H_
#define DBPOOL_EXPORTER_SETTINGS_CONFIG_PAGE_H_

#include <string>

#include "exporter/settings/settings.h"

namespace dbpool::exporter {

// YAML, with the source of each value in a comment, as EffectiveSetting has it.
// Passwords and keys are "<secret>", statements their names and lengths; the
// URL has the sslmode that was decided on, and what decided it. Of a script's
// file it shows the path.
std::string config_page(const Settings& settings);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_CONFIG_PAGE_H_
