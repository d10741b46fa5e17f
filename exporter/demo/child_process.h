// ChildProcess: a server program that ends with us, as a user of its own.
#ifndef DBPOOL_EXPORTER_DEMO_CHILD_PROCESS_H_
#define DBPOOL_EXPORTER_DEMO_CHILD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/options.h"

namespace dbpool::exporter {

// Owns a file descriptor.
class OwnedFd {
 public:
  explicit OwnedFd(int fd = -1) noexcept : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept;
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct ChildCommand {
  std::vector<std::string> arguments;   // the first is the program's path
  std::optional<Account> account = {};  // run as this one, not as us
  std::string folder;                   // where it runs
  int output = -1;                      // its stdout and stderr
  // Kept open in the child as well; everything else is closed on exec.
  int inherited = -1;
  int death_signal = 0;  // what the child gets when we die
};

// Thread-safety: none. The kernel sends death_signal when the *thread* that
// called start() ends: call it from one that lives as long as the child.
// The child runs in a session of its own (Ctrl-C does not reach it), with no
// signal blocked, in a minimal environment.
class ChildProcess {
 public:
  static Expected<ChildProcess> start(const ChildCommand& command);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // Kills it if it still runs.
  ~ChildProcess();

  // Waits until it has ended, at most `timeout`: its exit code, or 128 + the
  // number of the signal that ended it; nullopt while it runs.
  std::optional<int> wait(Duration timeout);
  void send(int signal) const;

 private:
  ChildProcess(pid_t pid, OwnedFd pidfd);

  pid_t pid_;  // 0 once moved from
  OwnedFd pidfd_;
  std::optional<int> ended_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_DEMO_CHILD_PROCESS_H_
