#include "exporter/settings/secret_files.h"

#include <cstddef>

#include "dbpool/utf8.h"
#include "exporter/bounded_file.h"
#include "exporter/logging/log_line.h"
#include "exporter/settings/parsers.h"
#include "exporter/settings/sources.h"
#include "exporter/utf8.h"

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

tl::expected<Secret, std::string> read_secret(const Environment& environment,
                                              std::string_view name) {
  Secret secret{std::string(name), variable(environment, name), false};
  const std::string file_name = std::string(name) + "_FILE";
  const std::string path = variable(environment, file_name);
  if (path.empty()) return secret;
  if (!secret.value.empty()) {
    return tl::make_unexpected(file_name + " contradicts " + secret.name +
                               "; expected one of them");
  }
  const auto text = read_start_of(path, kMostBytes + 1, Pipes::kRead);
  if (!text) return refusal(file_name, path, text.error());
  if (text->size() > kMostBytes) {
    return refusal(file_name, path, "it is longer than 1 MiB");
  }
  secret = {file_name, std::string(trim(*text)), true};
  if (secret.value.empty()) return refusal(file_name, path, "it is empty");
  return secret;
}

}  // namespace dbpool::exporter
