#ifndef DBPOOL_TESTS_E2E_DEMO_DIR_H_
#define DBPOOL_TESTS_E2E_DEMO_DIR_H_

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <system_error>

#include "tests/support/temp_dir.h"

namespace dbpool::test {

// The command line of a process, its words ended by '\0'; empty if it is gone.
inline std::string command_line(const std::filesystem::path& process) {
  std::ifstream file(process / "cmdline");
  return {std::istreambuf_iterator<char>(file), {}};
}

// The folder in which demos make theirs, and what is there.
class DemoDir {
 public:
  DemoDir() {
    using std::filesystem::perms;
    // PostgreSQL, which does not run as root, must be able to enter.
    std::filesystem::permissions(
        path(), perms::others_exec | perms::group_exec | perms::owner_all);
  }

  const std::string& path() const { return dir_.path(); }

  // Names.
  std::set<std::string> folders() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path())) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  // The programs, by their command lines, that work in the demos' folders.
  std::set<std::string> processes() const {
    std::set<std::string> found;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const auto cwd =
          std::filesystem::read_symlink(entry.path() / "cwd", gone);
      const bool is_there = !gone && cwd.string().starts_with(path());
      const std::string command = command_line(entry.path());
      if (is_there || command.find(path()) != command.npos) {
        found.insert(command);
      }
    }
    return found;
  }

 private:
  const TempDir dir_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_E2E_DEMO_DIR_H_
