// The pool names its own options in what it advises, since it knows of no
// settings; who runs the program has those.
#ifndef DBPOOL_EXPORTER_BASE_SETTING_WORDS_H_
#define DBPOOL_EXPORTER_BASE_SETTING_WORDS_H_

#include <string>

namespace dbpool::exporter {

// "raise PoolOptions::max_connections" → "raise DB_POOL_MAX". Advice that the
// program has no setting for is left out. Thread-safety: a pure function.
std::string in_setting_words(std::string message);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_SETTING_WORDS_H_
