#include "exporter/settings/pool_database.h"

#include <string_view>
#include <utility>

#include "dbpool/connect.h"
#include "exporter/settings/apply.h"
#include "exporter/settings/database_url.h"
#include "exporter/settings/libpq_tls.h"
#include "exporter/settings/secret_files.h"
#include "exporter/settings/tls.h"

namespace dbpool::exporter {

namespace {

struct FoundSecret : Secret {
  std::string source;  // EffectiveSetting::source
};

class DatabaseLoader {
 public:
  DatabaseLoader(const Environment& environment, const PoolSection& section,
                 const Source& given, Draft& draft,
                 std::vector<std::string>& errors)
      : environment_(environment),
        section_(section),
        given_(given),
        draft_(draft),
        errors_(errors) {}

  void run();

 private:
  FoundSecret secret(std::string_view name);
  FoundSecret database_text();
  void refuse_no_database();
  void take(const FoundSecret& found);
  bool set_password(ConnectionString& database, const FoundSecret& text);
  void settle(ConnectionString database, const TlsWishes& wishes,
              const FoundSecret& found);
  TlsWishes tls_wishes(const Secret& url);
  void effective(std::string name, std::string_view value, std::string source) {
    draft_.pool.effective.push_back(
        effective_setting(std::move(name), value, std::move(source)));
  }
  void notice(LogLevel level, std::string text);
  void error(std::string line) { errors_.push_back(std::move(line)); }

  const Environment& environment_;
  const PoolSection& section_;
  const Source& given_;
  Draft& draft_;
  std::vector<std::string>& errors_;
};

void DatabaseLoader::run() {
  const std::size_t mistakes = errors_.size();
  const FoundSecret found = database_text();
  if (draft_.settings.demo) {
    if (!found.value.empty()) {
      notice(LogLevel::kInfo, "--demo has a database of its own: " +
                                  found.name + " is not used");
    }
    return;
  }
  if (!found.value.empty()) {
    take(found);
  } else if (errors_.size() == mistakes) {  // else its file cannot be read
    refuse_no_database();
  }
}

// Of the environment, or else of the file. Empty, with the mistake noted,
// where it cannot be had.
FoundSecret DatabaseLoader::secret(std::string_view name) {
  auto found = read_secret(environment_, name);
  std::string source = found && found->is_file() ? "file" : "environment";
  const auto in_file = section_.secrets.find(name);
  if (found && found->value.empty() && in_file != section_.secrets.end()) {
    found = read_secret(in_file->second);
    source = "configuration";
  }
  if (found) return {*std::move(found), std::move(source)};
  error(std::move(found.error()));
  return {{std::string(name), "", ""}, "environment"};
}

FoundSecret DatabaseLoader::database_text() {
  FoundSecret found = secret("DATABASE_URL");
  if (!found.value.empty() || section_.parts.empty()) return found;
  return {{section_.where, section_.parts, ""}, "configuration"};
}

void DatabaseLoader::refuse_no_database() {
  if (!section_.where.empty()) {
    error(section_.where +
          ": no database; expected url, or host, port, user and database");
    return;
  }
  error(
      "DATABASE_URL: not set; expected a URI such as "
      "postgresql://user@host:5432/database or key=value pairs (--demo "
      "needs none)");
}

void DatabaseLoader::take(const FoundSecret& found) {
  const std::size_t mistakes = errors_.size();
  auto database = ConnectionString::parse(found.value);
  if (!database) {
    error(found.name + ": " +
          explain_database_url(found.value, database.error().message,
                               found.is_expanded));
    (void)tls_wishes(found);  // for the mistakes in these
    return;
  }
  const TlsWishes wishes = tls_wishes(found);
  if (!set_password(*database, found)) return;
  if (auto checked = database->check_completed(); !checked) {
    const auto mode = sslmode_problem(
        libpq_tls(*database, wishes.libpq, wishes.url_name, wishes.is_url_shown)
            .mode);
    error(mode.value_or(found.name + ": " + checked.error().message));
    return;
  }
  // What belongs to a file that cannot be read would be wrong without it.
  if (errors_.size() == mistakes) settle(*std::move(database), wishes, found);
}

// The file's, for the file's database.
bool DatabaseLoader::set_password(ConnectionString& database,
                                  const FoundSecret& text) {
  const auto given = section_.secrets.find("password");
  if (text.source != "configuration" || given == section_.secrets.end()) {
    return true;
  }
  const auto password = read_secret(given->second);
  if (!password) {
    error(password.error());
    return false;
  }
  if (database.get("password")) {
    error(password->name +
          " contradicts the password in the pool's url; "
          "expected one of them");
    return false;
  }
  if (auto set = database.set("password", password->value); !set) {
    error(password->name + ": " + set.error().message);
    return false;
  }
  return true;
}

void DatabaseLoader::settle(ConnectionString database, const TlsWishes& wishes,
                            const FoundSecret& found) {
  if (auto problem = database.passfile_problem()) {
    notice(LogLevel::kWarn, *std::move(problem));
  }
  TlsDecision tls = decide_tls(database, wishes);
  for (std::string& line : tls.errors) error(std::move(line));
  for (Notice& each : tls.notices) notice(each.level, std::move(each.text));
  if (!database.get("application_name") &&
      !database.get("fallback_application_name")) {
    (void)database.set("fallback_application_name", "dbpool_exporter");
  }
  effective("DATABASE_URL", database.description(), found.source);
  effective("sslmode", tls.mode, "derived");
  effective("sslmode_from", tls.mode_source, "derived");
  draft_.pool.database = std::move(database);
}

TlsWishes DatabaseLoader::tls_wishes(const Secret& url) {
  TlsWishes wishes;
  wishes.url_name = url.name;
  wishes.is_url_shown = !url.is_expanded;
  const auto take = [this](std::string_view variable, MaterialName& name,
                           std::string& value) {
    FoundSecret found = secret(variable);
    name = {std::move(found.name), std::move(found.for_path)};
    value = std::move(found.value);
    if (value.empty()) return;
    effective(std::string(variable), "given", std::move(found.source));
  };
  take("DB_SSL_CA", wishes.ca, wishes.material.ca);
  take("DB_SSL_CERT", wishes.certificate, wishes.material.certificate);
  take("DB_SSL_KEY", wishes.key, wishes.material.key);
  const auto ssl = given_.find("DB_SSL");
  if (ssl != given_.end()) {
    wishes.ssl = draft_.ssl;
    wishes.ssl_name = ssl->second.name;
  } else {
    wishes.ssl_by_default = draft_.ssl;
  }
  const auto reject = given_.find("DB_SSL_REJECT_UNAUTHORIZED");
  if (reject != given_.end()) {
    wishes.reject_unauthorized = draft_.ssl_reject_unauthorized;
    wishes.reject_name = reject->second.name;
  }
  for (const char* name :
       {"PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"}) {
    // As it is, blanks and all: so libpq takes it.
    const auto found = environment_.find(name);
    if (found == environment_.end() || found->second.empty()) continue;
    wishes.libpq.emplace(name, found->second);
  }
  return wishes;
}

// Those of a file's pools tell whose they are.
void DatabaseLoader::notice(LogLevel level, std::string text) {
  if (!section_.where.empty()) {
    text = section_.kind + " " + section_.name + ": " + text;
  }
  draft_.settings.notices.push_back({level, std::move(text)});
}

}  // namespace

void take_database(const Environment& environment, const PoolSection& section,
                   const Source& given, Draft& draft,
                   std::vector<std::string>& errors) {
  DatabaseLoader(environment, section, given, draft, errors).run();
}

}  // namespace dbpool::exporter
