#include "exporter/settings/secret_files.h"

#include <cstddef>

#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/parsers.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kMostBytes = 1024UL * 1024;
constexpr std::size_t kShownPath = 200;

tl::unexpected<std::string> refusal(const std::string& name,
                                    const std::string& path,
                                    std::string_view why) {
  // What was meant for NAME may have been given as NAME_FILE.
  const std::string safe = redact(to_utf8(path));
  return tl::make_unexpected(
      name + "=" + in_quotes(std::string(utf8_prefix(safe, kShownPath))) +
      ": " + std::string(why) +
      "; expected the path of a file that can be read");
}

}  // namespace

tl::expected<Secret, std::string> read_secret(const SecretWays& ways) {
  if (ways.path.empty()) return Secret{ways.name, ways.value, ways.for_path};
  if (!ways.value.empty()) {
    return tl::make_unexpected(ways.file_name + " contradicts " + ways.name +
                               "; expected one of them");
  }
  const auto text = read_start_of(ways.path, kMostBytes + 1, ways.pipes);
  if (!text) return refusal(ways.file_name, ways.path, text.error());
  if (text->size() > kMostBytes) {
    return refusal(ways.file_name, ways.path, "it is longer than 1 MiB");
  }
  Secret secret{ways.file_name, std::string(trim(*text)), ""};
  if (secret.value.empty()) {
    return refusal(ways.file_name, ways.path, "it is empty");
  }
  return secret;
}

tl::expected<Secret, std::string> read_secret(const Environment& environment,
                                              std::string_view name) {
  const std::string plain(name);
  const std::string file_name = plain + "_FILE";
  return read_secret({.name = plain,
                      .value = variable(environment, plain),
                      .file_name = file_name,
                      .path = variable(environment, file_name),
                      .for_path = file_name});
}

}  // namespace dbpool::exporter
