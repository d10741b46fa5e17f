#include <algorithm>
#include <array>
#include <cstddef>

#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/settings/definitions.h"
#include "exporter/settings/nearest.h"
#include "exporter/settings/secret_files.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kMaxUnknown = 20;
constexpr std::size_t kLongestName = 100;

std::vector<std::string> known_variables() {
  std::vector<std::string> known;
  for (const SecretSetting& secret : kSecretSettings) {
    if (!secret.variable.starts_with("DB_")) continue;
    known.emplace_back(secret.variable);
    known.push_back(std::string(secret.variable) + "_FILE");
  }
  for (const Definition& definition : definitions()) {
    if (!definition.variable.empty()) known.emplace_back(definition.variable);
  }
  return known;
}

struct Advice {
  std::string_view name;
  std::string_view instead;
};

constexpr std::string_view kByUrl =
    "the database is named by DATABASE_URL only, a URI such as "
    "postgresql://user@host:5432/database, its password in it";
constexpr std::string_view kByPoolMax = "the limit is DB_POOL_MAX";
constexpr std::string_view kByPoolMin = "the floor is DB_POOL_MIN";
constexpr std::string_view kByIdle =
    "idle connections are closed after DB_IDLE_TIMEOUT_MS";
constexpr std::string_view kByAcquire =
    "the deadline of an acquire, opening included, is "
    "DB_CONNECTION_TIMEOUT_MS";
constexpr std::string_view kByLifetime =
    "connections are recycled at the age of DB_MAX_LIFETIME_MS";
constexpr std::string_view kByStatement =
    "statements are cancelled after DB_STATEMENT_TIMEOUT_MS";
constexpr std::string_view kByCa =
    "who is trusted is told by DB_SSL_CA (PEM) or DB_SSL_CA_FILE";
constexpr std::string_view kBySsl =
    "TLS is set by DB_SSL and DB_SSL_REJECT_UNAUTHORIZED, or by sslmode in "
    "DATABASE_URL";

// What other programs call it.
constexpr std::array kAdvice = {
    Advice{"DB_HOST", kByUrl},
    Advice{"DB_HOSTNAME", kByUrl},
    Advice{"DB_PORT", kByUrl},
    Advice{"DB_USER", kByUrl},
    Advice{"DB_USERNAME", kByUrl},
    Advice{"DB_PASSWORD", kByUrl},
    Advice{"DB_PASS", kByUrl},
    Advice{"DB_NAME", kByUrl},
    Advice{"DB_DATABASE", kByUrl},
    Advice{"DB_URL", kByUrl},
    Advice{"DB_DSN", kByUrl},
    Advice{"DB_CONNECTION_STRING", kByUrl},
    Advice{"DB_POOL_SIZE", kByPoolMax},
    Advice{"DB_MAX_CONNECTIONS", kByPoolMax},
    Advice{"DB_POOL_MAX_SIZE", kByPoolMax},
    Advice{"DB_POOL_MAX_CONNECTIONS", kByPoolMax},
    Advice{"DB_MIN_CONNECTIONS", kByPoolMin},
    Advice{"DB_POOL_MIN_SIZE", kByPoolMin},
    Advice{"DB_POOL_MIN_IDLE", kByPoolMin},
    Advice{"DB_POOL_MIN_CONNECTIONS", kByPoolMin},
    Advice{"DB_IDLE_TIMEOUT", kByIdle},
    Advice{"DB_POOL_IDLE", kByIdle},
    Advice{"DB_POOL_IDLE_TIMEOUT", kByIdle},
    Advice{"DB_POOL_IDLE_TIMEOUT_MS", kByIdle},
    Advice{"DB_POOL_TIMEOUT", kByAcquire},
    Advice{"DB_POOL_TIMEOUT_MS", kByAcquire},
    Advice{"DB_POOL_ACQUIRE_TIMEOUT", kByAcquire},
    Advice{"DB_POOL_ACQUIRE_TIMEOUT_MS", kByAcquire},
    Advice{"DB_POOL_CONNECTION_TIMEOUT", kByAcquire},
    Advice{"DB_ACQUIRE_TIMEOUT", kByAcquire},
    Advice{"DB_ACQUIRE_TIMEOUT_MS", kByAcquire},
    Advice{"DB_CONNECT_TIMEOUT", kByAcquire},
    Advice{"DB_CONNECT_TIMEOUT_MS", kByAcquire},
    Advice{"DB_CONNECTION_TIMEOUT", kByAcquire},
    Advice{"DB_POOL_MAX_LIFETIME", kByLifetime},
    Advice{"DB_MAX_LIFETIME", kByLifetime},
    Advice{"DB_POOL_MAX_USES", "connections are recycled after DB_MAX_USES"},
    Advice{"DB_STATEMENT_TIMEOUT", kByStatement},
    Advice{"DB_QUERY_TIMEOUT", kByStatement},
    Advice{"DB_QUERY_TIMEOUT_MS", kByStatement},
    Advice{"DB_SSL_ROOT_CERT", kByCa},
    Advice{"DB_SSL_ROOTCERT", kByCa},
    Advice{"DB_SSLROOTCERT", kByCa},
    Advice{"DB_SSLMODE", kBySsl},
    Advice{"DB_SSL_MODE", kBySsl},
};

std::string advice_on(std::string_view name,
                      const std::vector<std::string>& known) {
  const auto* found = std::ranges::find(kAdvice, name, &Advice::name);
  if (found != kAdvice.end()) return std::string(found->instead);
  return nearest_or(name, known, "--help lists those that are known");
}

}  // namespace

Environment copy_environment(const char* const* environ) {
  Environment result;
  for (; environ != nullptr && *environ != nullptr; ++environ) {
    const std::string_view entry(*environ);
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    result.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return result;
}

std::string variable(const Environment& environment, std::string_view name) {
  const auto found = environment.find(std::string(name));
  if (found == environment.end()) return "";
  return std::string(trim(found->second));
}

Source parse_environment(const Environment& environment) {
  Source source;
  for (const Definition& definition : definitions()) {
    if (definition.variable.empty()) continue;
    std::string value = variable(environment, definition.variable);
    if (value.empty()) continue;
    source[std::string(definition.key())] = {
        std::string(definition.variable), "environment", {std::move(value)}};
  }
  return source;
}

std::vector<Notice> unknown_variables(const Environment& environment) {
  const std::vector<std::string> known = known_variables();
  std::vector<Notice> notices;
  std::size_t unnamed = 0;
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("DB_")) continue;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (notices.size() == kMaxUnknown) {
      ++unnamed;
      continue;
    }
    const std::string shown = to_utf8(utf8_prefix(to_utf8(name), kLongestName));
    notices.push_back({LogLevel::kWarn, "unknown variable " + shown +
                                            " is ignored; " +
                                            advice_on(shown, known)});
  }
  if (unnamed > 0) {
    notices.push_back({LogLevel::kWarn, std::to_string(unnamed) +
                                            " more unknown DB_* variables are "
                                            "ignored"});
  }
  return notices;
}

}  // namespace dbpool::exporter
