// Durations for people, who need no more than two of their parts.
//
// Thread-safety: a pure function.
#ifndef DBPOOL_EXPORTER_BASE_DURATION_WORDS_H_
#define DBPOOL_EXPORTER_BASE_DURATION_WORDS_H_

#include <string>

#include "dbpool/options.h"

namespace dbpool::exporter {

// "340 ms", "12.3 s", "5 min 20 s", "3 h 12 min", "2 d 2 h".
std::string duration_for_people(Duration duration);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_DURATION_WORDS_H_
