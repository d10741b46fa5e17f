// The page of --help.
#ifndef DBPOOL_EXPORTER_SETTINGS_HELP_H_
#define DBPOOL_EXPORTER_SETTINGS_HELP_H_

#include <string>

namespace dbpool::exporter {

std::string help_text();

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_HELP_H_
