// `custom_probes` of a pool in the file of --config.file.
#ifndef DBPOOL_EXPORTER_SETTINGS_CUSTOM_PROBES_FILE_H_
#define DBPOOL_EXPORTER_SETTINGS_CUSTOM_PROBES_FILE_H_

#include <functional>
#include <string>
#include <vector>

#include "exporter/probes/custom_probe_options.h"
#include "exporter/settings/yaml_mapping.h"

namespace dbpool::exporter {

// `text` with the environment's variables put in. `name` is that of the key,
// for mistakes.
using ExpandText = std::function<std::string(const std::string& text, int line,
                                             const std::string& name)>;

// `of_pool` is the pool's mapping, `where` its name in mistakes, which ends
// with ": ". Valid probes; throws YamlMistake, which shows no variable's value.
std::vector<CustomProbeOptions> read_custom_probes(const YamlMapping& of_pool,
                                                   const std::string& where,
                                                   const ExpandText& expand);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_CUSTOM_PROBES_FILE_H_
