#include "tests/faults/client.h"

#include <unistd.h>

#include <array>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace dbpool::test {

namespace {

TimePoint time_of(std::istringstream& words) {
  long long micros = 0;
  words >> micros;
  return TimePoint(std::chrono::microseconds(micros));
}

}  // namespace

Client::Client(const std::vector<std::string>& command,
               const std::map<std::string, std::string>& environment) {
  auto [in_read, in_write] = make_pipe();
  auto [out_read, out_write] = make_pipe();
  input_ = std::move(in_write);
  output_ = std::move(out_read);
  ChildOptions options;
  options.program = command.front();
  options.args.assign(command.begin() + 1, command.end());
  options.env = environment;
  options.env.emplace("HOME", "/nonexistent");
  options.stdin_fd = in_read.get();
  options.stdout_fd = out_write.get();
  options.stderr_fd = STDERR_FILENO;
  child_.emplace(options);
  reader_ = std::thread([this] { read_lines(); });
}

Client::~Client() {
  child_.reset();  // the end of its output ends the reader
  reader_.join();
}

void Client::tell(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(input_.get(), text.data(), text.size()) < 0) {
    throw std::runtime_error("the client takes no line");
  }
}

std::optional<int> Client::finish() {
  input_.reset();
  return child_->wait(std::chrono::seconds(60));
}

void Client::read_lines() {
  std::string rest;
  std::array<char, 8192> buffer;
  while (true) {
    const ssize_t size = ::read(output_.get(), buffer.data(), buffer.size());
    if (size <= 0) return;
    rest.append(buffer.data(), static_cast<std::size_t>(size));
    const std::lock_guard lock(mutex_);
    std::size_t begin = 0;
    for (std::size_t end; (end = rest.find('\n', begin)) != rest.npos;
         begin = end + 1) {
      take(rest.substr(begin, end - begin));
    }
    rest.erase(0, begin);
  }
}

void Client::take(const std::string& line) {
  std::istringstream words(line);
  std::string what;
  words >> what;
  if (what == "request") {
    Request request;
    words >> request.kind >> request.number;
    request.start = time_of(words);
    request.got = time_of(words);
    request.end = time_of(words);
    words >> request.result >> request.outcome;
    told_.requests.push_back(std::move(request));
  } else if (what == "lag") {
    told_.lags.push_back(time_of(words).time_since_epoch());
  } else if (what == "pool") {
    PoolSample sample;
    sample.at = time_of(words);
    words >> sample.opened >> sample.failed >> sample.total;
    told_.pool.push_back(sample);
  } else if (what == "closed") {
    words >> told_.end;
  }
}

Told Client::told() const {
  const std::lock_guard lock(mutex_);
  return told_;
}

std::vector<Request> Client::requests_from(std::size_t first) const {
  const std::lock_guard lock(mutex_);
  if (first >= told_.requests.size()) return {};
  return {told_.requests.begin() + static_cast<std::ptrdiff_t>(first),
          told_.requests.end()};
}

}  // namespace dbpool::test
