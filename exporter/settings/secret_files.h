// Secrets that come by a variable, or by a file that a variable names, as
// orchestrators mount them.
#ifndef DBPOOL_EXPORTER_SETTINGS_SECRET_FILES_H_
#define DBPOOL_EXPORTER_SETTINGS_SECRET_FILES_H_

#include <array>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "exporter/base/bounded_file.h"
#include "exporter/settings/settings.h"

namespace dbpool::exporter {

// Each may be given as NAME_FILE too.
inline constexpr std::array<std::string_view, 4> kSecretVariables = {
    "DATABASE_URL", "DB_SSL_CA", "DB_SSL_CERT", "DB_SSL_KEY"};

struct Secret {
  std::string name;   // as the user wrote it: NAME or NAME_FILE
  std::string value;  // without blanks and newlines round it; empty: none
  bool is_file = false;
};

// Both ways to give one secret, each empty where it is not used.
struct SecretWays {
  std::string name, value;
  std::string file_name, path;
  Pipes pipes = Pipes::kRead;
};

// Errors, one line that never holds the value: both ways are used, the file
// cannot be read, is empty, or is longer than 1 MiB.
tl::expected<Secret, std::string> read_secret(const SecretWays& ways);

// The same for the variables NAME and NAME_FILE.
tl::expected<Secret, std::string> read_secret(const Environment& environment,
                                              std::string_view name);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_SECRET_FILES_H_
