#include "exporter/base/bounded_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "exporter/base/at_end.h"

namespace dbpool::exporter {

namespace {

tl::unexpected<std::string> system_error() {
  return tl::make_unexpected(
      std::error_code(errno, std::generic_category()).message());
}

}  // namespace

tl::expected<std::string, std::string> read_start_of(const std::string& path,
                                                     std::size_t most,
                                                     Pipes pipes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return system_error();
  const AtEnd closed{[fd] { ::close(fd); }};
  struct stat facts = {};
  if (pipes == Pipes::kRefuse && ::fstat(fd, &facts) == 0 &&
      S_ISFIFO(facts.st_mode)) {
    return tl::make_unexpected(std::string("is a pipe; expected a file"));
  }
  std::string text;
  std::array<char, 4096> buffer = {};
  while (text.size() < most) {
    const std::size_t wanted = std::min(buffer.size(), most - text.size());
    const ssize_t size = ::read(fd, buffer.data(), wanted);
    if (size < 0) return system_error();
    if (size == 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace dbpool::exporter
