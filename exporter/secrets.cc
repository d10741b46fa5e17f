#include "exporter/secrets.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "dbpool/error.h"
#include "exporter/settings/definitions.h"

namespace dbpool::exporter {

namespace {

bool is_ours(std::string_view name) {
  return name == "DATABASE_URL" || name == "DB_SSL_KEY";
}

// All of libpq's: what is in them need not be what belongs there.
bool is_secret(std::string_view name, std::string_view value) {
  if (is_ours(name) || name.starts_with("PG")) return true;
  if (name.ends_with("_PASS") || name.ends_with("_PWD")) return true;
  const std::string pair = std::string(name) + "=" + std::string(value);
  return redact(value) != value || redact(pair) != pair;
}

// One line is all it takes, but a compiler may leave out what nobody reads.
void wipe(char* text) noexcept { ::explicit_bzero(text, std::strlen(text)); }

void hide_variable(char* entry, const std::vector<std::string>& also) {
  char* const equals = std::strchr(entry, '=');
  if (equals == nullptr) return;
  const std::string name(entry, equals);
  const std::string value(equals + 1);
  const bool is_named = std::ranges::find(also, name) != also.end();
  if (!is_named && !is_secret(name, value)) return;
  // NOLINTBEGIN(concurrency-mt-unsafe): no other thread runs yet.
  if (is_ours(name)) {
    ::unsetenv(name.c_str());
  } else {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  // NOLINTEND(concurrency-mt-unsafe)
  wipe(equals + 1);
}

bool takes_sql(std::string_view flag) {
  return std::ranges::any_of(definitions(), [flag](const auto& definition) {
    return definition.is_sql() && definition.flag == flag;
  });
}

// Statements are hidden whole: redact() does not know each literal's meaning.
std::string safe_argument(std::string_view before, std::string_view argument) {
  if (takes_sql(before) && !argument.starts_with("--")) return "***";
  const std::string_view flag = argument.substr(0, argument.find('='));
  if (flag != argument && takes_sql(flag)) return std::string(flag) + "=***";
  return redact(argument);
}

}  // namespace

void set_dumpable(bool dumpable) noexcept {
  ::prctl(PR_SET_DUMPABLE, dumpable ? 1UL : 0UL, 0UL, 0UL, 0UL);
}

void hide_secrets(int argc, char** argv, const std::vector<std::string>& also) {
  std::string before;
  for (int i = 1; i < argc; ++i) {
    const std::string argument(argv[i]);
    const std::string safe = safe_argument(before, argument);
    before = argument;
    if (safe == argument) continue;
    const std::size_t size = std::min(safe.size(), argument.size());
    wipe(argv[i]);
    std::copy_n(safe.begin(), size, argv[i]);
  }
  // setenv() and unsetenv() change the list while it is gone through.
  std::vector<char*> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    entries.push_back(*entry);
  }
  for (char* const entry : entries) hide_variable(entry, also);
}

}  // namespace dbpool::exporter
