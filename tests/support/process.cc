#include "tests/support/process.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <stdexcept>
#include <utility>

namespace dbpool::test {
Process::Process(const std::string& program, std::vector<std::string> args,
                 std::map<std::string, std::string> env) {
  ChildOptions options;
  options.program = program;
  options.args = std::move(args);
  options.env = std::move(env);
  start(std::move(options));
}

Process::Process(ChildOptions options) { start(std::move(options)); }

Process::~Process() {
  send_signal(SIGKILL);
  // Something that it started may hold the pipes open for longer.
  ::eventfd_write(stop_.get(), 1);
  reader_.join();
}

void Process::start(ChildOptions options) {
  auto [out_read, out_write] = make_pipe();
  auto [err_read, err_write] = make_pipe();
  stdout_ = std::move(out_read);
  stderr_ = std::move(err_read);
  stop_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  options.stdout_fd = out_write.get();
  options.stderr_fd = err_write.get();
  // No file of the person who runs the tests, such as ~/.pgpass, counts.
  options.env.emplace("HOME", "/nonexistent");
  child_.emplace(options);
  reader_ = std::thread([this] { read_output(); });
}

void Process::read_output() {
  std::array<pollfd, 3> entries = {pollfd{stdout_.get(), POLLIN, 0},
                                   pollfd{stderr_.get(), POLLIN, 0},
                                   pollfd{stop_.get(), POLLIN, 0}};
  std::array<char, 4096> buffer = {};
  while (entries[0].fd >= 0 || entries[1].fd >= 0) {
    ::poll(entries.data(), entries.size(), -1);
    if (entries[2].revents != 0) break;
    for (std::size_t i = 0; i < 2; ++i) {
      if (entries[i].fd < 0 || entries[i].revents == 0) continue;
      const ssize_t got = ::read(entries[i].fd, buffer.data(), buffer.size());
      if (got <= 0) {
        entries[i].fd = -1;
        continue;
      }
      const std::lock_guard lock(mutex_);
      both_.append(buffer.data(), static_cast<std::size_t>(got));
      std::string& own = i == 0 ? out_ : err_;
      own.append(buffer.data(), static_cast<std::size_t>(got));
      changed_.notify_all();
    }
  }
  const std::lock_guard lock(mutex_);
  at_end_ = true;
  changed_.notify_all();
}

bool Process::running() {
  const std::lock_guard lock(child_mutex_);
  return child_->running();
}

void Process::send_signal(int number) {
  const std::lock_guard lock(child_mutex_);
  child_->send_signal(number);
}

std::optional<int> Process::wait(std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  {
    // The end of its output comes with the end of the program, except when
    // something that it started holds the pipes.
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, end, [this] { return at_end_; });
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      end - std::chrono::steady_clock::now());
  const std::lock_guard lock(child_mutex_);
  return child_->wait(std::max(left, std::chrono::milliseconds(0)));
}

std::string Process::output() const {
  const std::lock_guard lock(mutex_);
  return both_;
}

std::string Process::stdout_text() const {
  const std::lock_guard lock(mutex_);
  return out_;
}

std::string Process::stderr_text() const {
  const std::lock_guard lock(mutex_);
  return err_;
}

std::optional<std::string> Process::wait_for_line(
    const std::string& regex, std::chrono::milliseconds deadline) {
  const std::regex pattern(regex);
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::size_t next = 0;  // the first line that was not looked at
  std::unique_lock lock(mutex_);
  while (true) {
    for (std::size_t stop; (stop = both_.find('\n', next)) != both_.npos;
         next = stop + 1) {
      const std::string line = both_.substr(next, stop - next);
      if (std::regex_search(line, pattern)) return line;
    }
    if (at_end_) return std::nullopt;
    if (changed_.wait_until(lock, end) == std::cv_status::timeout) {
      return std::nullopt;
    }
  }
}

std::size_t descriptors_of(pid_t pid) {
  std::size_t count = 0;
  std::set<std::string> sockets;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(
           "/proc/" + std::to_string(pid) + "/fd", ignored)) {
    const std::string file =
        std::filesystem::read_symlink(entry.path(), ignored).string();
    const bool is_socket = file.starts_with("socket:");
    if (!is_socket || sockets.insert(file).second) ++count;
  }
  return count;
}

std::size_t memory_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word) {
    if (word != "VmRSS:") continue;
    std::size_t kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return 0;
}

}  // namespace dbpool::test
