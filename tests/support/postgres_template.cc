#include "tests/support/postgres_template.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <stdexcept>

#include "tests/support/child.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {
namespace {

namespace fs = std::filesystem;

ChildOptions server_program(const std::string& program) {
  ChildOptions options;
  options.program = program;
  const ServerUser user = server_user();
  options.uid = user.uid;
  options.gid = user.gid;
  options.env = {{"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}};
  return options;
}

// Small WAL segments make the folder 20 MB rather than 40.
void make_template(const std::string& destination) {
  const TempDir dir;
  give_to_server_user(dir.path());
  const std::string data = dir.path() + "/data";

  ChildOptions initdb = server_program("initdb");
  initdb.args = {"-D",
                 data,
                 "-U",
                 "postgres",
                 "-A",
                 "trust",
                 "-E",
                 "UTF8",
                 "--locale",
                 "C.UTF-8",
                 "--no-sync",
                 "--wal-segsize=1",
                 "--no-instructions"};
  initdb.working_dir = dir.path();
  run_to_end(initdb);

  ChildOptions single = server_program("postgres");
  single.args = {"--single", "-D", data, "-F", "postgres"};
  single.working_dir = dir.path();
  run_to_end(single, "CREATE ROLE " + std::string(kAppUser) +
                         " LOGIN PASSWORD '" + std::string(kAppPassword) +
                         "'\n");
  fs::copy(data, destination, fs::copy_options::recursive);
}

// Under a lock that other processes respect. The template is renamed into
// its place, so that one is always whole.
std::string shared_template(const std::string& folder) {
  fs::create_directories(folder);
  const std::string path = folder + "/pg15";
  const UniqueFd lock(
      ::open((folder + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock || ::flock(lock.get(), LOCK_EX) != 0) {
    throw std::runtime_error("cannot lock " + folder +
                             "/lock: " + std::strerror(errno));
  }
  if (!fs::exists(path)) {
    fs::remove_all(path + ".new");
    make_template(path + ".new");
    fs::rename(path + ".new", path);
  }
  return path;
}

const std::string& template_path() {
  static const TempDir own;
  static std::mutex mutex;
  static std::string path;
  const std::lock_guard guard(mutex);
  if (path.empty()) {
    const char* shared = ::getenv("DBPOOL_TEST_TEMPLATE");
    if (shared != nullptr && *shared != '\0') {
      path = shared_template(shared);
    } else {
      make_template(own.path() + "/pg15");
      path = own.path() + "/pg15";
    }
  }
  return path;
}

}  // namespace

ServerUser server_user() {
  if (::geteuid() != 0) return {};
  for (const char* name : {"postgres", "nobody"}) {
    const passwd* entry = ::getpwnam(name);
    if (entry != nullptr) return {entry->pw_uid, entry->pw_gid};
  }
  throw std::runtime_error(
      "PostgreSQL refuses root, and there is no user "
      "postgres or nobody to run it as");
}

void give_to_server_user(const std::string& path) {
  const ServerUser user = server_user();
  if (user.uid == 0) return;
  const auto give = [&user](const fs::path& file) {
    if (::lchown(file.c_str(), user.uid, user.gid) != 0) {
      throw std::runtime_error("chown " + file.string() + ": " +
                               std::strerror(errno));
    }
  };
  give(path);
  if (!fs::is_directory(path)) return;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    give(entry.path());
  }
}

void copy_template(const std::string& data_dir) {
  fs::copy(template_path(), data_dir, fs::copy_options::recursive);
  fs::permissions(data_dir, fs::perms::owner_all);
  give_to_server_user(data_dir);
}

}  // namespace dbpool::test
