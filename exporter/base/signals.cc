#include "exporter/base/signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace dbpool::exporter {

namespace {

sigset_t taken_signals() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

int checked(int descriptor, const char* what) {
  if (descriptor >= 0) return descriptor;
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

std::string_view signal_name(int signal) noexcept {
  switch (signal) {
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    case SIGHUP:
      return "SIGHUP";
    default:
      return "another";
  }
}

void Signals::hold_hangup() noexcept {
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &hangup, nullptr);
}

Signals::Signals(Callbacks callbacks) : callbacks_(std::move(callbacks)) {
  const sigset_t set = taken_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
  signal_fd_ =
      checked(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  quit_fd_ = checked(eventfd(0, EFD_CLOEXEC), "eventfd");
  thread_ = std::thread([this] { loop(); });
}

Signals::~Signals() {
  const std::uint64_t one = 1;
  // An eventfd that is below its maximum takes it.
  [[maybe_unused]] const auto written = write(quit_fd_, &one, sizeof(one));
  thread_.join();
  close(quit_fd_);
  close(signal_fd_);
}

void Signals::set_on_hangup(std::function<void()> on_hangup) {
  const std::lock_guard lock(mutex_);
  on_hangup_ = std::move(on_hangup);
  if (on_hangup_ && std::exchange(hung_up_, false)) on_hangup_();
}

int Signals::wait_for_stop() {
  std::unique_lock lock(mutex_);
  came_.wait(lock, [this] { return stop_signal_ != 0; });
  return stop_signal_;
}

int Signals::stop_signal() const {
  const std::lock_guard lock(mutex_);
  return stop_signal_;
}

void Signals::loop() {
  pthread_setname_np(pthread_self(), "signals");
  for (;;) {
    std::array<pollfd, 2> fds = {pollfd{signal_fd_, POLLIN, 0},
                                 pollfd{quit_fd_, POLLIN, 0}};
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info = {};
    if (read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
      take(static_cast<int>(info.ssi_signo));
    }
  }
}

void Signals::take(int signal) {
  if (signal == SIGHUP) {
    const std::lock_guard lock(mutex_);
    if (on_hangup_) {
      on_hangup_();
    } else {
      hung_up_ = true;
    }
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (stop_signal_ == 0) {
      stop_signal_ = signal;
      stop_came_at_ = now;
      came_.notify_all();
      return;
    }
    if (now - stop_came_at_ < kSameRequest) return;
  }
  if (callbacks_.on_second_stop) callbacks_.on_second_stop(signal);
  // No destructors: they might wait for what the user no longer wants to.
  _exit(128 + signal);
}

}  // namespace dbpool::exporter
