#include "exporter/demo/child_process.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <utility>

namespace dbpool::exporter {
namespace {

constexpr int kExecFailed = 127;

Error failure(const std::string& what, int error_number) {
  Error error;
  error.kind = ErrorKind::kUsage;
  error.message = what + ": " + std::strerror(error_number);
  return error;
}

// The C library's own declaration (2.36) does not link from C++.
int open_pidfd(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

// Both between fork and exec: only system calls, no allocation.
bool become(const Account& account) {
  return ::setgroups(0, nullptr) == 0 && ::setgid(account.gid) == 0 &&
         ::setuid(account.uid) == 0;
}

bool prepare_child(const ChildCommand& command, pid_t parent) {
  for (int number = 1; number < NSIG; ++number) {
    if (number != SIGKILL && number != SIGSTOP) std::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  if (::chdir(command.folder.c_str()) != 0) return false;
  if (command.account && !become(*command.account)) return false;
  // After setuid, which clears it. The parent may be gone already.
  if (::prctl(PR_SET_PDEATHSIG, command.death_signal) != 0) return false;
  if (::getppid() != parent) return false;
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) return false;
  if (::dup2(command.output, STDOUT_FILENO) < 0) return false;
  if (::dup2(command.output, STDERR_FILENO) < 0) return false;
  return command.inherited < 0 || ::fcntl(command.inherited, F_SETFD, 0) == 0;
}

}  // namespace

OwnedFd::OwnedFd(OwnedFd&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

Expected<ChildProcess> ChildProcess::start(const ChildCommand& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.arguments.size() + 1);
  for (const std::string& argument : command.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  static constexpr char kPath[] = "PATH=/usr/local/bin:/usr/bin:/bin";
  static constexpr char kLocale[] = "LC_ALL=C";
  char* const environment[] = {const_cast<char*>(kPath),
                               const_cast<char*>(kLocale), nullptr};
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return Unexpected(failure("fork", errno));
  if (pid == 0) {
    if (prepare_child(command, parent)) {
      ::execve(arguments[0], arguments.data(), environment);
    }
    ::_exit(kExecFailed);
  }
  ChildProcess child(pid, OwnedFd(open_pidfd(pid)));
  if (!child.pidfd_) return Unexpected(failure("pidfd_open", errno));
  return child;
}

ChildProcess::ChildProcess(pid_t pid, OwnedFd pidfd)
    : pid_(pid), pidfd_(std::move(pidfd)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      pidfd_(std::move(other.pidfd_)),
      ended_(other.ended_) {}

ChildProcess::~ChildProcess() {
  if (pid_ == 0 || ended_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<int> ChildProcess::wait(Duration timeout) {
  if (ended_ || pid_ == 0) return ended_;
  const auto milliseconds =
      std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  pollfd waited{pidfd_.get(), POLLIN, 0};
  ::poll(&waited, 1,
         static_cast<int>(
             std::clamp(milliseconds, std::int64_t{0}, std::int64_t{60'000})));
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) == pid_) {
    ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return ended_;
}

void ChildProcess::send(int signal) const {
  if (pid_ != 0 && !ended_) ::kill(pid_, signal);
}

}  // namespace dbpool::exporter
