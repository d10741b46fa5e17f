#include "exporter/settings/secret_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

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

std::string words_of(int code) {
  return std::error_code(code, std::generic_category()).message();
}

// An empty error text is success.
std::string read_file(const std::string& path, std::string& out) {
  // A pipe that nobody writes to must not hang the start.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return words_of(errno);
  std::string error;
  struct stat facts = {};
  if (::fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode)) {
    error = words_of(EISDIR);
  }
  std::array<char, 4096> buffer = {};
  while (error.empty()) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size < 0) error = words_of(errno);
    if (size <= 0) break;
    out.append(buffer.data(), static_cast<std::size_t>(size));
    if (out.size() > kMostBytes) error = "it is longer than 1 MiB";
  }
  ::close(fd);
  return error;
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
  std::string text;
  const std::string error = read_file(path, text);
  if (!error.empty()) return refusal(file_name, path, error);
  secret = {file_name, std::string(trim(text)), true};
  if (secret.value.empty()) return refusal(file_name, path, "it is empty");
  return secret;
}

}  // namespace dbpool::exporter
