#ifndef DBPOOL_TESTS_SUPPORT_CHILD_H_
#define DBPOOL_TESTS_SUPPORT_CHILD_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/unique_fd.h"

namespace dbpool::test {

// For words with a child: read end, write end. Throws std::runtime_error.
std::pair<UniqueFd, UniqueFd> make_pipe();

struct ChildOptions {
  std::string program;  // a path, or a name that is looked for in $PATH
  std::vector<std::string> args;
  // All that the child gets, besides PATH and the sanitizers' options.
  std::map<std::string, std::string> env;
  std::string working_dir;
  // Descriptors the child gets as its 0, 1 and 2; -1 is /dev/null.
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  // When not 0: the child runs as this user and group.
  uid_t uid = 0;
  gid_t gid = 0;
};

// A child process. It never outlives its maker: the destructor kills it, and
// the kernel does when the thread that started it ends. So start one only
// from a thread that lives long enough.
class Child {
 public:
  // Throws std::runtime_error, e.g. when the program is not there.
  explicit Child(const ChildOptions& options);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  bool running() { return !wait(std::chrono::milliseconds(0)); }
  void send_signal(int number);

  // The exit code, or 128 + the signal's number; empty when it still runs at
  // the deadline.
  std::optional<int> wait(std::chrono::milliseconds deadline);

 private:
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// The path of `program`: itself when it has a slash, else the first in $PATH
// or where server programs are. Throws when there is
// none, saying which Debian package is missing.
std::string find_program(const std::string& program);

// Runs a program to its end and returns its output, both streams together;
// throws std::runtime_error with the output unless it exits with 0.
std::string run_to_end(ChildOptions options, const std::string& input = "");

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_CHILD_H_
