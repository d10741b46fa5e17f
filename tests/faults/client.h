// Client: a service with a pool, in a process of its own, and what it tells.
//
// It prints lines, all times in microseconds of the monotonic clock:
//   request <insert|query|large|forever> <number> <start> <got> <end> <result>
//     <outcome>
//   lag <how late a thread woke>
//   pool <time> <opened> <openings that failed> <connections>
//   closed <clean|…>
// `got` is when the acquire ended. The result is `ok`, `crossed` (another's
// row came) or a reason. The outcome is `not_sent`, `failed`, `in_doubt` or,
// when it is ok, `-`.
#ifndef DBPOOL_TESTS_FAULTS_CLIENT_H_
#define DBPOOL_TESTS_FAULTS_CLIENT_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/unique_fd.h"

namespace dbpool::test {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

struct Request {
  std::string kind;
  std::uint64_t number = 0;
  TimePoint start, got, end;
  std::string result;
  std::string outcome;

  bool is_ok() const { return result == "ok"; }
};

struct PoolSample {
  TimePoint at;
  std::uint64_t opened = 0;
  std::uint64_t failed = 0;
  std::uint64_t total = 0;
};

// What one has told so far.
struct Told {
  std::vector<Request> requests;  // in the order of their ends
  std::vector<Duration> lags;
  std::vector<PoolSample> pool;
  std::string end;  // how it closed its pool; empty: not yet
};

// Threads: as Child's.
class Client {
 public:
  // A command, and what its environment has in addition.
  Client(const std::vector<std::string>& command,
         const std::map<std::string, std::string>& environment);
  ~Client();

  pid_t pid() const { return child_->pid(); }
  bool running() { return child_->running(); }
  void send_signal(int number) { child_->send_signal(number); }
  void tell(const std::string& line);  // on its standard input
  // Lets it end; its exit code, or nullopt when it does not.
  std::optional<int> finish();

  Told told() const;
  // Of the requests those from the `first`-th on.
  std::vector<Request> requests_from(std::size_t first) const;

 private:
  void read_lines();
  void take(const std::string& line);

  UniqueFd input_;   // its standard input
  UniqueFd output_;  // … and output
  std::optional<Child> child_;
  mutable std::mutex mutex_;
  Told told_;  // guarded by mutex_
  std::thread reader_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_FAULTS_CLIENT_H_
