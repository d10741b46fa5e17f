#include "exporter/demo/demo_database.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "dbpool/connect.h"

namespace dbpool::exporter {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

constexpr Duration kLeftoverPatience = seconds(10);
constexpr Duration kInitTimeout = seconds(60);
constexpr Duration kReadyTimeout = seconds(60);
constexpr Duration kFastStop = seconds(10);
constexpr Duration kImmediateStop = seconds(5);
constexpr Duration kConnectTimeout = seconds(2);
constexpr Duration kReadyPoll = std::chrono::milliseconds(30);
constexpr std::size_t kLastWordsBytes = 600;

Error failure(std::string message) {
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = "demo: " + std::move(message);
  return error;
}

bool has_server(const fs::path& folder) {
  return ::access((folder / "initdb").c_str(), X_OK) == 0 &&
         ::access((folder / "postgres").c_str(), X_OK) == 0;
}

// "15" → 15; 0 for what is no version.
int version_of(const fs::path& folder) {
  const std::string name = folder.filename();
  int version = 0;
  std::from_chars(name.data(), name.data() + name.size(), version);
  return version;
}

// PostgreSQL refuses to run as root.
Expected<std::optional<Account>> server_account() {
  if (::geteuid() != 0) return std::optional<Account>();
  for (const char* name : {"postgres", "nobody"}) {
    // At the start, before there are other threads that ask.
    const passwd* found = ::getpwnam(name);  // NOLINT(concurrency-mt-unsafe)
    if (found != nullptr) {
      return std::optional(Account{found->pw_uid, found->pw_gid});
    }
  }
  return Unexpected(
      failure("PostgreSQL does not run as root, and there is no user "
              "postgres or nobody"));
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

}  // namespace

std::optional<fs::path> find_postgres(const fs::path& root,
                                      const std::string& path) {
  std::optional<fs::path> newest;
  int newest_version = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root, ignored)) {
    const int version = version_of(entry.path());
    if (version > newest_version && has_server(entry.path() / "bin")) {
      newest = entry.path() / "bin";
      newest_version = version;
    }
  }
  if (newest) return newest;
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && has_server(folder)) return folder;
  }
  return std::nullopt;
}

Expected<std::unique_ptr<DemoDatabase>> DemoDatabase::start() {
  const auto programs =
      find_postgres("/usr/lib/postgresql", environment("PATH"));
  if (!programs) {
    return Unexpected(
        failure("no initdb and postgres in /usr/lib/postgresql/*/bin or in "
                "PATH; install the package postgresql"));
  }
  auto account = server_account();
  if (!account) return Unexpected(std::move(account.error()));
  const fs::path parent = demo_parent_folder();
  remove_demo_leftovers(parent, kLeftoverPatience);
  auto folder = DemoFolder::create(parent);
  if (!folder) return Unexpected(failure(folder.error().message));
  std::unique_ptr<DemoDatabase> database(
      new DemoDatabase(std::move(*folder), *programs, *account));
  auto ready = database->initialise()
                   .and_then([&] { return database->launch(); })
                   .and_then([&] { return database->wait_until_ready(); });
  if (!ready) return Unexpected(std::move(ready.error()));
  return database;
}

DemoDatabase::DemoDatabase(DemoFolder folder, fs::path programs,
                           std::optional<Account> account)
    : programs_(std::move(programs)),
      account_(account),
      folder_(std::move(folder)) {}

Expected<void> DemoDatabase::initialise() {
  for (const char* name : {"data", "socket"}) {
    const fs::path path = folder() / name;
    if (::mkdir(path.c_str(), 0700) != 0 ||
        (account_ &&
         ::chown(path.c_str(), account_->uid, account_->gid) != 0)) {
      return Unexpected(failure("cannot make " + path.string() + ": " +
                                std::strerror(errno)));
    }
  }
  auto initdb = run(
      {programs_ / "initdb", "--pgdata", folder() / "data", "--username=demo",
       "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"},
      -1);
  if (!initdb) return Unexpected(std::move(initdb.error()));
  const std::optional<int> status = initdb->wait(kInitTimeout);
  if (status == 0) return {};
  return Unexpected(failure("initdb failed: " + last_words()));
}

Expected<void> DemoDatabase::launch() {
  // Nothing has to survive a crash, or to be left elsewhere by one, and little
  // memory will do.
  auto server =
      run({programs_ / "postgres", "-D", folder() / "data", "-k",
           folder() / "socket", "-c", "listen_addresses=", "-c",
           "unix_socket_permissions=0700", "-c", "fsync=off", "-c",
           "full_page_writes=off", "-c", "max_connections=40", "-c",
           "shared_buffers=16MB", "-c", "dynamic_shared_memory_type=mmap"},
          folder_->server_lock());
  if (!server) return Unexpected(std::move(server.error()));
  server_.emplace(std::move(*server));
  return {};
}

Expected<void> DemoDatabase::wait_until_ready() {
  const auto target = ConnectionString::parse(database_url());
  if (!target) return Unexpected(failure(target.error().message));
  ConnectOptions options;
  options.timeout = kConnectTimeout;
  const TimePoint deadline = Clock::now() + kReadyTimeout;
  while (!connect(*target, options)) {
    if (server_->wait(kReadyPoll) || Clock::now() >= deadline) {
      return Unexpected(failure("PostgreSQL did not start: " + last_words()));
    }
  }
  return {};
}

Expected<ChildProcess> DemoDatabase::run(std::vector<std::string> arguments,
                                         int inherited) const {
  const OwnedFd log(::open((folder() / "log").c_str(),
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return Unexpected(failure("cannot write a log file"));
  ChildCommand command;
  command.arguments = std::move(arguments);
  command.account = account_;
  command.folder = folder();
  command.output = log.get();
  command.inherited = inherited;
  command.death_signal = SIGINT;  // a fast shutdown
  return ChildProcess::start(command);
}

std::string DemoDatabase::database_url() const {
  return "host=" + (folder() / "socket").string() +
         " port=5432 user=demo dbname=postgres";
}

std::string DemoDatabase::last_words() const {
  std::ifstream file(folder() / "log");
  std::ostringstream text;
  text << file.rdbuf();
  std::string words = text.str();
  if (words.size() > kLastWordsBytes) {
    words.erase(0, words.size() - kLastWordsBytes);
  }
  for (char& c : words) {
    if (c == '\n') c = ' ';
  }
  return words.empty() ? "it said nothing" : words;
}

void DemoDatabase::stop() {
  if (server_) {
    server_->send(SIGINT);
    if (!server_->wait(kFastStop)) {
      server_->send(SIGQUIT);
      server_->wait(kImmediateStop);
    }
    server_.reset();  // kills what is left
  }
  folder_.reset();
}

}  // namespace dbpool::exporter
