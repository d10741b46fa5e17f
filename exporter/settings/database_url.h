// Why a DATABASE_URL that works elsewhere does not here.
#ifndef DBPOOL_EXPORTER_SETTINGS_DATABASE_URL_H_
#define DBPOOL_EXPORTER_SETTINGS_DATABASE_URL_H_

#include <string>
#include <string_view>

namespace dbpool::exporter {

// `problem`, which ConnectionString::parse() had with `text`, in the words of
// one whose URL was written for another driver: the keywords that libpq does
// not know, each with what takes its place here. One line. Names a keyword
// only where it cannot be a part of a password, and never a value.
// `is_expanded`: variables were put in, and only keywords that others are known
// to write are named.
std::string explain_database_url(std::string_view text,
                                 const std::string& problem,
                                 bool is_expanded = false);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_DATABASE_URL_H_
