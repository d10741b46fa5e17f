#include "exporter/settings/secret_files.h"

#include <cstddef>

#include "exporter/logging/log_line.h"
#include "exporter/settings/parsers.h"
#include "exporter/settings/refused_value.h"
#include "exporter/settings/sources.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kMostBytes = 1024UL * 1024;

// What was meant for NAME may have been given as NAME_FILE.
tl::unexpected<std::string> refusal(const SecretWays& ways,
                                    std::string_view why) {
  const std::string shown = path_to_show(ways.shown_path);
  return tl::make_unexpected(
      ways.file_name + (shown.empty() ? "" : "=" + in_quotes(shown)) + ": " +
      std::string(why) + "; expected the path of a file that can be read");
}

}  // namespace

tl::expected<Secret, std::string> read_secret(const SecretWays& ways) {
  if (ways.path.empty()) {
    return Secret{ways.name, ways.value, ways.for_path, ways.is_expanded};
  }
  if (!ways.value.empty()) {
    return tl::make_unexpected(ways.file_name + " contradicts " + ways.name +
                               "; expected one of them");
  }
  const auto text = read_start_of(ways.path, kMostBytes + 1, ways.pipes);
  if (!text) return refusal(ways, text.error());
  if (text->size() > kMostBytes) {
    return refusal(ways, "it is longer than 1 MiB");
  }
  Secret secret{ways.file_name, std::string(trim(*text)), ""};
  if (secret.value.empty()) {
    return refusal(ways, "it is empty");
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
                      .shown_path = variable(environment, file_name),
                      .for_path = file_name});
}

}  // namespace dbpool::exporter
