// What somebody may have meant who wrote a name that nobody knows.
#ifndef DBPOOL_EXPORTER_SETTINGS_NEAREST_H_
#define DBPOOL_EXPORTER_SETTINGS_NEAREST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dbpool::exporter {

// The one of `known` that takes the fewest insertions, deletions, changes and
// swaps of neighbours to become `name`; nothing if that is more than one for
// each four characters: it would mislead.
std::optional<std::string> nearest(std::string_view name,
                                   const std::vector<std::string>& known);

// "the nearest known one is NAME", or `otherwise` where none is near.
std::string nearest_or(std::string_view name,
                       const std::vector<std::string>& known,
                       std::string_view otherwise);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_NEAREST_H_
