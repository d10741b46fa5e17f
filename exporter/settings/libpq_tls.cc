#include "exporter/settings/libpq_tls.h"

#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <utility>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kShownValue = 200;

// The environment with one variable set, as long as it lives. setenv() would
// leave the old value where nobody finds it to overwrite it.
class OtherEnvironment {
 public:
  OtherEnvironment(std::string_view name, std::string_view value)
      : entry_(std::string(name) + "=" + std::string(value)) {
    const std::string_view start(entry_.data(), name.size() + 1);
    for (char** entry = environ; entry != nullptr && *entry != nullptr;
         ++entry) {
      if (!std::string_view(*entry).starts_with(start)) {
        entries_.push_back(*entry);
      }
    }
    entries_.push_back(entry_.data());
    entries_.push_back(nullptr);
    environ = entries_.data();
  }
  ~OtherEnvironment() { environ = before_; }
  OtherEnvironment(const OtherEnvironment&) = delete;
  OtherEnvironment& operator=(const OtherEnvironment&) = delete;

 private:
  char** const before_ = environ;
  std::string entry_;
  std::vector<char*> entries_;
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
                   const LibpqVariables& variables, std::string_view url_name) {
  const auto said = [&](std::string_view keyword, std::string_view variable) {
    return said_of(database, variables, url_name, keyword, variable);
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
