#include "tests/support/child.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

extern char** environ;

namespace dbpool::test {
namespace {

// Pointers to all that execve wants, made before the fork: afterwards only
// async-signal-safe calls are allowed.
struct ExecImage {
  std::vector<std::string> strings;
  std::vector<char*> argv;
  std::vector<char*> envp;
};

std::vector<std::string> environment(const ChildOptions& options) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view name =
        std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    if (options.env.contains(std::string(name))) continue;
    if (name == "PATH" || name.ends_with("SAN_OPTIONS")) {
      result.emplace_back(*entry);
    }
  }
  for (const auto& [name, value] : options.env) {
    result.push_back(name + "=" + value);
  }
  return result;
}

ExecImage exec_image(const std::string& path, const ChildOptions& options) {
  ExecImage image;
  image.strings.push_back(path);
  for (const std::string& arg : options.args) image.strings.push_back(arg);
  const std::size_t argc = image.strings.size();
  for (std::string& entry : environment(options)) {
    image.strings.push_back(std::move(entry));
  }
  for (std::size_t i = 0; i < image.strings.size(); ++i) {
    auto& pointers = i < argc ? image.argv : image.envp;
    pointers.push_back(image.strings[i].data());
  }
  image.argv.push_back(nullptr);
  image.envp.push_back(nullptr);
  return image;
}

// In the child: everything up to execve. Returns only when a step failed,
// with its errno.
int become(const ChildOptions& options, const ExecImage& image, pid_t parent) {
  const std::array<int, 3> wanted = {options.stdin_fd, options.stdout_fd,
                                     options.stderr_fd};
  const int null_fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i < 3; ++i) {
    const int fd = wanted[static_cast<std::size_t>(i)];
    if (::dup2(fd >= 0 ? fd : null_fd, i) < 0) return errno;
  }
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);

  if (options.uid != 0) {
    if (::setgroups(1, &options.gid) != 0) return errno;
    if (::setgid(options.gid) != 0) return errno;
    if (::setuid(options.uid) != 0) return errno;
  }
  if (!options.working_dir.empty() &&
      ::chdir(options.working_dir.c_str()) != 0) {
    return errno;
  }
  // After setuid, which forgets it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
  if (::getppid() != parent) ::_exit(127);

  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execve(image.argv[0], image.argv.data(), image.envp.data());
  return errno;
}

std::string debian_package(const std::string& program) {
  if (program == "postgres" || program == "initdb") return "postgresql-15";
  if (program == "promtool") return "prometheus";
  return program;
}

bool is_executable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::pair<UniqueFd, UniqueFd> make_pipe() {
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error(std::string("pipe2: ") + std::strerror(errno));
  }
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Child::Child(const ChildOptions& options) {
  const std::string path = find_program(options.program);
  const ExecImage image = exec_image(path, options);
  auto [read_end, write_end] = make_pipe();

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) {
    throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  }
  if (pid_ == 0) {
    const int error = become(options, image, parent);
    [[maybe_unused]] const ssize_t written =
        ::write(write_end.get(), &error, sizeof(error));
    ::_exit(127);
  }
  write_end.reset();

  // execve closes the pipe; what comes through it is the reason it failed.
  int error = 0;
  if (::read(read_end.get(), &error, sizeof(error)) > 0) {
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error("cannot start " + path + ": " +
                             std::strerror(error));
  }
}

Child::~Child() {
  if (status_) return;
  // A stopped process dies by SIGKILL all the same.
  send_signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Child::send_signal(int number) {
  if (!status_) ::kill(pid_, number);
}

std::optional<int> Child::wait(std::chrono::milliseconds deadline) {
  // Asked again and again rather than through a pidfd, which valgrind 3.19
  // does not know.
  eventually(deadline, [this] {
    int status = 0;
    if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ =
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return status_.has_value();
  });
  return status_;
}

std::string find_program(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    if (is_executable(program)) return program;
    throw std::runtime_error(program + " is not there; was it built?");
  }
  const char* path = ::getenv("PATH");
  std::string folders = path != nullptr ? path : "/usr/bin:/bin";
  folders += ":/usr/lib/postgresql/15/bin:/usr/sbin";
  for (std::size_t begin = 0; begin < folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string candidate =
        folders.substr(begin, end - begin) + "/" + program;
    if (is_executable(candidate)) return candidate;
    begin = end + 1;
  }
  throw std::runtime_error("the program " + program +
                           " is missing: install the package " +
                           debian_package(program));
}

std::string run_to_end(ChildOptions options, const std::string& input) {
  const TempDir dir;
  write_file(dir.path() + "/in", input);
  const UniqueFd in(::open((dir.path() + "/in").c_str(), O_RDONLY | O_CLOEXEC));
  const UniqueFd out(::open((dir.path() + "/out").c_str(),
                            O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  options.stdin_fd = in.get();
  options.stdout_fd = out.get();
  options.stderr_fd = out.get();

  Child child(options);
  const std::optional<int> code = child.wait(std::chrono::minutes(2));
  const std::string output = read_file(dir.path() + "/out");
  if (code == 0) return output;
  throw std::runtime_error(
      options.program +
      (code ? " failed with " + std::to_string(*code) : " did not end") +
      ":\n" + output);
}

}  // namespace dbpool::test
