#ifndef DBPOOL_TESTS_SUPPORT_PROCESS_H_
#define DBPOOL_TESTS_SUPPORT_PROCESS_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {

// A program under test with a clean environment, whose output is read as it
// comes. Killed at destruction. Threads: all methods from any thread, but see
// Child for the thread that makes it.
class Process {
 public:
  Process(const std::string& program, std::vector<std::string> args,
          std::map<std::string, std::string> env = {});
  // The same with all of Child's options but the output descriptors, which
  // are replaced.
  explicit Process(ChildOptions options);
  ~Process();

  pid_t pid() const { return child_->pid(); }
  bool running();
  void send_signal(int number);

  // The exit code, or 128 + the signal's number; empty at the deadline. Once
  // it is known the whole output is there too.
  std::optional<int> wait(std::chrono::milliseconds deadline);

  // What it has written so far: to both in order of arrival, or to one.
  std::string output() const;
  std::string stdout_text() const;
  std::string stderr_text() const;

  // The first complete line of the output in which `regex` (ECMAScript) is
  // found; empty when none came by the deadline or before the program ended.
  std::optional<std::string> wait_for_line(const std::string& regex,
                                           std::chrono::milliseconds deadline);

 private:
  void start(ChildOptions options);
  void read_output();

  // Constant after construction.
  UniqueFd stdout_;
  UniqueFd stderr_;
  UniqueFd stop_;  // an eventfd that ends the reader
  std::optional<Child> child_;

  std::mutex child_mutex_;  // guards calls of *child_
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::string both_;
  std::string out_;
  std::string err_;
  bool at_end_ = false;

  std::thread reader_;
};

// Of any process: open files, a socket and its duplicates counted once, and
// resident memory in bytes; 0 when it is gone.
std::size_t descriptors_of(pid_t pid);
std::size_t memory_of(pid_t pid);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_SUPPORT_PROCESS_H_
