#include "tests/support/temp_dir.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string_view>

namespace dbpool::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "dbpool-test-";

// In memory where there is room for a few servers: a cluster is a thousand
// files, and ext4 searches ever longer for an inode that was not used lately
// when thousands come and go. Never $TMPDIR: a socket's path has at most 107
// bytes.
std::string choose_parent() {
  constexpr std::uint64_t kRoom = 2ULL << 30;  // bytes
  const std::string shared_memory = "/dev/shm/";
  struct statvfs room {};
  const bool fits = ::statvfs(shared_memory.c_str(), &room) == 0 &&
                    (room.f_flag & ST_NOEXEC) == 0 &&
                    room.f_bavail * room.f_frsize >= kRoom &&
                    ::access(shared_memory.c_str(), W_OK) == 0;
  return fits ? shared_memory : "/tmp/";
}

const std::string& parent() {
  static const std::string chosen = choose_parent();
  return chosen;
}

// The process that made the folder `name`, or 0.
pid_t owner_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  pid_t pid = 0;
  std::from_chars(name.data(), name.data() + name.size(), pid);
  return pid;
}

void remove_left_behind() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent(), ignored)) {
    const pid_t pid = owner_of(entry.path().filename().native());
    if (pid <= 0 || ::kill(pid, 0) == 0 || errno != ESRCH) continue;
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

TempDir::TempDir() {
  static std::once_flag once;
  std::call_once(once, remove_left_behind);

  path_ =
      parent() + std::string(kPrefix) + std::to_string(::getpid()) + "-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) {
    throw std::runtime_error("mkdtemp " + path_ + ": " + std::strerror(errno));
  }
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& contents) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

}  // namespace dbpool::test
