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

// What may be given in a file of its own: as variable or variable_FILE, and in
// a configuration file as key or key_file.
struct SecretSetting {
  std::string_view variable;  // empty: there is none
  std::string_view key;
  bool is_certificate = false;  // which everybody may see

  // How it is called in logs.
  constexpr std::string_view name() const noexcept {
    return variable.empty() ? key : variable;
  }
};
inline constexpr std::array kSecretSettings = {
    SecretSetting{"DATABASE_URL", "url"}, SecretSetting{"", "password"},
    SecretSetting{"DB_SSL_CA", "ssl_ca", true},
    SecretSetting{"DB_SSL_CERT", "ssl_cert", true},
    SecretSetting{"DB_SSL_KEY", "ssl_key"}};

struct Secret {
  std::string name;   // as the user wrote it
  std::string value;  // without blanks and newlines round it; empty: none
  // What a path would be given by; empty: it came by that.
  std::string for_path;
  // Variables were put in: pieces of it may be secrets that look like none.
  bool is_expanded = false;

  bool is_file() const noexcept { return for_path.empty(); }
};

// Both ways to give one secret, each empty where it is not used.
struct SecretWays {
  std::string name, value;
  std::string file_name, path;
  std::string shown_path = {};  // what mistakes show of `path`, if it is fit
  std::string for_path;         // as Secret has it
  Pipes pipes = Pipes::kRead;
  bool is_expanded = false;  // as Secret has it
};

// Errors, one line that never holds the value: both ways are used, the file
// cannot be read, is empty, or is longer than 1 MiB.
tl::expected<Secret, std::string> read_secret(const SecretWays& ways);

// The same for the variables NAME and NAME_FILE.
tl::expected<Secret, std::string> read_secret(const Environment& environment,
                                              std::string_view name);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_SECRET_FILES_H_
