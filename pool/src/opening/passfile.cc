#include "pool/src/opening/passfile.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "pool/src/base/text.h"

namespace dbpool::detail {
namespace {

constexpr std::size_t kMostShown = 200;

std::string variable(const char* name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody calls setenv() meanwhile.
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// As libpq finds it.
std::string home_folder() {
  std::string home = variable("HOME");
  if (!home.empty()) return home;
  passwd entry = {};
  passwd* found = nullptr;
  std::array<char, 4096> buffer = {};
  ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
  return found == nullptr ? "" : found->pw_dir;
}

std::string octal(mode_t mode) {
  std::array<char, 16> text = {};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

}  // namespace

std::optional<std::string> passfile_problem(const ConnValues& given,
                                            const ConnValues& effective) {
  if (!value_of(given, "password").empty()) return std::nullopt;
  if (!variable("PGPASSWORD").empty()) return std::nullopt;
  std::string path = value_of(effective, "passfile");
  if (path.empty()) path = home_folder() + "/.pgpass";
  if (path == "/dev/null") return "";
  struct stat facts = {};
  if (::stat(path.c_str(), &facts) != 0) return std::nullopt;
  const std::string start =
      "the password file \"" + one_line(redact(path), kMostShown) + "\" ";
  if (!S_ISREG(facts.st_mode)) return start + "is not used: it is no file";
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) == 0) return std::nullopt;
  return start + "is not used: group or others have access (mode " +
         octal(facts.st_mode) + "); make it 0600";
}

}  // namespace dbpool::detail
