// How mistakes show what was given.
#ifndef DBPOOL_EXPORTER_SETTINGS_REFUSED_VALUE_H_
#define DBPOOL_EXPORTER_SETTINGS_REFUSED_VALUE_H_

#include <string>
#include <string_view>

namespace dbpool::exporter {

// `text` fit to be shown in a mistake: short, in quotes, no secret.
std::string shown_value(std::string_view text);

// `path` where a mistake may show it; empty: it may be a secret that was given
// where a path belongs. A bare word is none, but ${NAME} is.
std::string path_to_show(std::string_view path);

// The line for a value that is refused: `expected` is what is accepted.
std::string refused_value(const std::string& name, std::string_view value,
                          const std::string& expected);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_REFUSED_VALUE_H_
