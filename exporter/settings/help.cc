#include "exporter/settings/help.h"

#include "exporter/settings/definitions.h"

namespace dbpool::exporter {

namespace {

std::string defaults_of(const Definition& definition) {
  if (definition.production.empty()) return "";
  if (definition.production == definition.development) {
    return " [" + std::string(definition.production) + "]";
  }
  return " [production " + std::string(definition.production) +
         ", development " + std::string(definition.development) + "]";
}

}  // namespace

std::string help_text() {
  std::string page =
      "Usage: dbpool_exporter [FLAG]...\n"
      "\n"
      "A Prometheus exporter that holds a PostgreSQL connection pool as a\n"
      "service would, and tells why requests wait for a connection.\n"
      "\n"
      "The database is named by the environment variable DATABASE_URL only, a\n"
      "libpq URI or key=value string: a flag would show its password in ps.\n"
      "DB_SSL_CA, DB_SSL_CERT and DB_SSL_KEY take certificates and key for "
      "TLS\n"
      "as PEM or base64 of it. NAME_FILE names a file for each of the four.\n"
      "A flag stands over the variable named beside it, and both over the "
      "file\n"
      "of --config.file, which may hold all of these.\n"
      "\n"
      "  --profile=PROFILE\n"
      "        production or development; which defaults apply [production if\n"
      "        NODE_ENV is production, otherwise development]\n"
      "  --config.file=FILE\n"
      "        settings in YAML; its keys are these names in other clothes: "
      "see\n"
      "        config.example.yml\n"
      "  --config.check\n"
      "        tell what is wrong in the settings, and end\n"
      "  --demo\n"
      "        run against a private, throw-away PostgreSQL with a workload\n";
  for (const Definition& definition : definitions()) {
    page.append("  ").append(definition.flag).append("=");
    page.append(definition.value);
    if (!definition.variable.empty()) {
      page.append(", ").append(definition.variable);
    }
    page.append("\n        ").append(definition.meaning);
    page.append(defaults_of(definition)).append("\n");
  }
  page +=
      "  --version\n"
      "        print version, revision, compiler and the libraries' versions\n"
      "  --help\n"
      "        print this page\n"
      "\n"
      "SIGTERM or SIGINT drains the pool and ends the program; another one, a\n"
      "second or more later, ends it at once.\n";
  return page;
}

}  // namespace dbpool::exporter
