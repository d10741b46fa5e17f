#include "exporter/settings/libpq_tls.h"

#include <string_view>

namespace dbpool::exporter {

namespace {

constexpr std::string_view kUrl = "DATABASE_URL";
constexpr std::string_view kServiceFile = "the service file";

Said said_of(const ConnectionString& database, const LibpqVariables& variables,
             std::string_view keyword, std::string_view variable) {
  // One that is given empty is none, whatever the others have.
  if (const auto given = database.get(keyword)) {
    return {*given, std::string(given->empty() ? "" : kUrl)};
  }
  const auto found = variables.find(variable);
  const std::string own = found == variables.end() ? "" : found->second;
  const std::string completed = database.completed(keyword);
  const bool is_default = keyword == "sslmode" && completed == "prefer";
  if (completed.empty() || completed == own || is_default) {
    return {own, std::string(own.empty() ? "" : variable)};
  }
  const bool has_service = !database.completed("service").empty();
  return {completed,
          std::string(has_service ? kServiceFile : "the environment")};
}

}  // namespace

bool Said::is_demand() const { return from == kUrl || from == kServiceFile; }

std::pair<const Said*, std::string> LibpqTls::first_file() const {
  using Named = std::pair<const Said*, std::string>;
  for (const auto& [file, keyword] :
       {Named{&root, "sslrootcert"}, Named{&certificate, "sslcert"},
        Named{&key, "sslkey"}}) {
    if (!*file) continue;
    return {file,
            file->is_demand() ? keyword + " in " + file->from : file->from};
  }
  return {nullptr, ""};
}

LibpqTls libpq_tls(const ConnectionString& database,
                   const LibpqVariables& variables) {
  const auto said = [&](std::string_view keyword, std::string_view variable) {
    return said_of(database, variables, keyword, variable);
  };
  return {.mode = said("sslmode", "PGSSLMODE"),
          .root = said("sslrootcert", "PGSSLROOTCERT"),
          .certificate = said("sslcert", "PGSSLCERT"),
          .key = said("sslkey", "PGSSLKEY")};
}

}  // namespace dbpool::exporter
