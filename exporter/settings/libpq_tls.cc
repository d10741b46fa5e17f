#include "exporter/settings/libpq_tls.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <list>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kShownValue = 200;

// A list like `environ` in which one variable has another value. Kept for ever,
// since another thread may be going through it.
char** list_with(std::string_view name, std::string_view value) {
  struct List {
    std::string entry;
    std::vector<char*> entries;
  };
  static std::mutex mutex;
  static std::list<List> lists;
  const std::string start = std::string(name) + "=";
  const std::string entry = start + std::string(value);
  std::vector<char*> others;
  for (char** other = environ; other != nullptr && *other != nullptr; ++other) {
    if (!std::string_view(*other).starts_with(start)) others.push_back(*other);
  }
  const std::lock_guard lock(mutex);
  for (List& list : lists) {
    const std::span known(list.entries);
    if (list.entry == entry &&
        std::ranges::equal(known.first(known.size() - 2), others)) {
      return list.entries.data();
    }
  }
  List& list = lists.emplace_back(List{entry, std::move(others)});
  list.entries.push_back(list.entry.data());
  list.entries.push_back(nullptr);
  return list.entries.data();
}

// The environment with one variable set, as long as it lives. setenv() would
// leave the old value where nobody finds it to overwrite it. Other threads meet
// one list or the other, whole.
class OtherEnvironment {
 public:
  OtherEnvironment(std::string_view name, std::string_view value) {
    swap_to(list_with(name, value));
  }
  ~OtherEnvironment() { swap_to(before_); }
  OtherEnvironment(const OtherEnvironment&) = delete;
  OtherEnvironment& operator=(const OtherEnvironment&) = delete;

 private:
  static void swap_to(char** list) {
    std::atomic_ref(environ).store(list, std::memory_order_release);
  }

  char** const before_ = environ;
};

bool names_a_service(const ConnectionString& database) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv() meanwhile.
  return database.get("service") || std::getenv("PGSERVICE") != nullptr;
}

// libpq tells what applies, not who said it. Its variable stands over its
// default and under the service file: what is not the variable's is the
// file's. Empty: it says nothing.
std::string in_service_file(const ConnectionString& database,
                            std::string_view keyword,
                            std::string_view variable) {
  if (!names_a_service(database)) return "";
  const OtherEnvironment other(variable, kNoTlsFile);
  const std::string value = database.completed(keyword);
  return value == kNoTlsFile ? "" : value;
}

Said said_of(const ConnectionString& database, const LibpqVariables& variables,
             std::string_view url_name, std::string_view keyword,
             std::string_view variable) {
  const auto said = [&](std::string value, Sayer by, std::string_view from) {
    return Said{std::string(keyword), std::move(value), by, std::string(from)};
  };
  // One that is given empty is not given, as libpq has it.
  const std::string given = database.get(keyword).value_or("");
  if (!given.empty()) return said(given, Sayer::kUrl, url_name);
  const std::string of_file = in_service_file(database, keyword, variable);
  if (!of_file.empty()) {
    return said(of_file, Sayer::kServiceFile, "the service file");
  }
  const auto found = variables.find(variable);
  if (found != variables.end()) {
    return said(found->second, Sayer::kVariable, variable);
  }
  // libpq still heeds an older variable, where there is no PGSSLMODE.
  if (keyword == "sslmode" && database.completed(keyword) == "require") {
    return said("require", Sayer::kVariable, "PGREQUIRESSL");
  }
  return said("", Sayer::kNobody, "");
}

}  // namespace

std::string Said::name() const {
  return is_demand() ? keyword + " in " + from : from;
}

std::string Said::head() const {
  return is_demand() ? from + ": " + keyword : from;
}

std::string Said::head_and_value() const {
  if (!is_shown) return head();
  const std::string safe = redact(to_utf8(value));
  return head() + "=" + in_quotes(std::string(utf8_prefix(safe, kShownValue)));
}

const Said* LibpqTls::first_file() const {
  const Said* first = nullptr;
  for (const Said* file : {&root, &certificate, &key}) {
    if (*file && (first == nullptr || file->by > first->by)) first = file;
  }
  return first;
}

LibpqTls libpq_tls(const ConnectionString& database,
                   const LibpqVariables& variables, std::string_view url_name,
                   bool is_url_shown) {
  const auto said = [&](std::string_view keyword, std::string_view variable) {
    Said found = said_of(database, variables, url_name, keyword, variable);
    found.is_shown = is_url_shown || found.by != Sayer::kUrl;
    return found;
  };
  return {.mode = said("sslmode", "PGSSLMODE"),
          .root = said("sslrootcert", "PGSSLROOTCERT"),
          .certificate = said("sslcert", "PGSSLCERT"),
          .key = said("sslkey", "PGSSLKEY")};
}

std::string shown_mode(const Said& mode) {
  return "sslmode=" + mode.value + " in " + mode.from;
}

bool verifies(std::string_view sslmode) {
  return sslmode == "verify-ca" || sslmode == "verify-full";
}

bool demands_tls(std::string_view sslmode) {
  return sslmode == "require" || verifies(sslmode);
}

std::optional<std::string> sslmode_problem(const Said& mode) {
  const bool is_known = mode.value == "disable" || mode.value == "allow" ||
                        mode.value == "prefer" || demands_tls(mode.value);
  if (!mode || is_known) return std::nullopt;
  return mode.head_and_value() +
         ": expected disable, allow, prefer, require, verify-ca or "
         "verify-full";
}

}  // namespace dbpool::exporter
