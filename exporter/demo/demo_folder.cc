#include "exporter/demo/demo_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace dbpool::exporter {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "dbpool_demo.";
constexpr std::string_view kServerLock = "server.lock";
// The name of a Unix socket has 107 bytes, of which the folder's own name and
// the socket's take about 45.
constexpr std::size_t kLongestParent = 60;
constexpr Duration kLockPoll = std::chrono::milliseconds(20);

Error failure(const std::string& what) {
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = what + ": " + std::strerror(errno);
  return error;
}

bool lock_now(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

bool lock_within(int fd, Duration patience) {
  const TimePoint deadline = Clock::now() + patience;
  while (!lock_now(fd)) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kLockPoll);
  }
  return true;
}

OwnedFd open_folder(const fs::path& path) {
  return OwnedFd(
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// The server runs as another user when we are root.
bool server_may_enter(const fs::path& folder) {
  if (::geteuid() != 0) return true;
  std::error_code error;
  for (fs::path path = fs::canonical(folder, error); !error;
       path = path.parent_path()) {
    const fs::perms perms = fs::status(path, error).permissions();
    if ((perms & fs::perms::others_exec) == fs::perms::none) return false;
    if (!path.has_relative_path()) return true;
  }
  return false;
}

// False if someone else's, or in use.
bool is_left_over(const fs::path& path, int fd, Duration patience) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0 || status.st_uid != ::geteuid()) return false;
  if (!lock_now(fd)) return false;
  const OwnedFd server_lock(
      ::open((path / kServerLock).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  return !server_lock || lock_within(server_lock.get(), patience);
}

}  // namespace

Expected<DemoFolder> DemoFolder::create(const fs::path& parent) {
  std::string path = parent / kPrefix;
  path += "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return Unexpected(failure("cannot make a folder in " + parent.string()));
  }
  OwnedFd lock = open_folder(path);
  // A demo that starts at this moment may take the unlocked folder for a
  // left-over; then there is no lock to get, or nothing to lock.
  if (!lock || !lock_now(lock.get()) || ::chmod(path.c_str(), 0711) != 0) {
    return Unexpected(failure("cannot lock " + path));
  }
  OwnedFd server_lock(::open((fs::path(path) / kServerLock).c_str(),
                             O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!server_lock || !lock_now(server_lock.get())) {
    return Unexpected(failure("cannot lock a file in " + path));
  }
  return DemoFolder(path, std::move(lock), std::move(server_lock));
}

DemoFolder::DemoFolder(fs::path path, OwnedFd lock, OwnedFd server_lock)
    : path_(std::move(path)),
      lock_(std::move(lock)),
      server_lock_(std::move(server_lock)) {}

DemoFolder::~DemoFolder() {
  if (!lock_) return;  // moved from
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::size_t remove_demo_leftovers(const fs::path& parent, Duration patience) {
  std::size_t removed = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const OwnedFd folder = open_folder(entry.path());
    if (!folder || !is_left_over(entry.path(), folder.get(), patience)) {
      continue;
    }
    std::error_code remove_error;
    fs::remove_all(entry.path(), remove_error);
    if (!remove_error) ++removed;
  }
  return removed;
}

fs::path demo_parent_folder() {
  const char* given = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe)
  std::error_code ignored;
  if (given != nullptr && given[0] == '/' &&
      std::strlen(given) <= kLongestParent &&
      fs::is_directory(given, ignored) && server_may_enter(given)) {
    return given;
  }
  return "/tmp";
}

}  // namespace dbpool::exporter
