#include "exporter/service_manager.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <system_error>

namespace dbpool::exporter {

namespace {

// A manager that does not read holds the program up for no longer.
constexpr timeval kPatience{.tv_sec = 1, .tv_usec = 0};

std::string_view variable(const char* name) {
  // Nobody writes to the environment while the program starts.
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

std::optional<std::int64_t> positive_number(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end || number <= 0) return std::nullopt;
  return number;
}

// False with errno set.
bool send_to(const std::string& socket_name, std::string_view state) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(socket_name, address.sun_path);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                           socket_name.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  const auto sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                             reinterpret_cast<const sockaddr*>(&address), size);
  const int error = errno;
  ::close(fd);
  errno = error;
  return sent >= 0;
}

}  // namespace

ServiceManager::ServiceManager(Logger& log) : log_(log) {
  read_socket();
  if (!socket_.empty()) read_watchdog();
}

void ServiceManager::read_socket() {
  const std::string_view name = variable("NOTIFY_SOCKET");
  if (name.empty()) return;
  const bool is_abstract = name.front() == '@';
  if ((!is_abstract && name.front() != '/') || name.size() < 2 ||
      name.size() >= sizeof(sockaddr_un::sun_path)) {
    log_.warn(
        "NOTIFY_SOCKET is no path and no @name of a Unix socket: the "
        "service manager is told nothing");
    return;
  }
  socket_ = name;
  if (is_abstract) socket_.front() = '\0';
}

void ServiceManager::read_watchdog() {
  const std::string_view period = variable("WATCHDOG_USEC");
  const std::string_view process = variable("WATCHDOG_PID");
  if (period.empty()) return;
  // What a process of the manager's handed down is not for its children.
  if (!process.empty() && positive_number(process) != ::getpid()) return;
  if (const auto microseconds = positive_number(period)) {
    watchdog_period_ = std::chrono::microseconds(*microseconds);
  } else {
    log_.warn("WATCHDOG_USEC is no number of microseconds: it is ignored");
  }
}

void ServiceManager::ready() const noexcept { tell("READY=1"); }

void ServiceManager::lives() const noexcept { tell("WATCHDOG=1"); }

void ServiceManager::stopping(Duration at_most) const noexcept {
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(at_most).count();
  tell("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(microseconds));
}

void ServiceManager::tell(std::string_view state) const noexcept {
  if (socket_.empty() || send_to(socket_, state)) return;
  log_.limited(
      LogLevel::kWarn, "service manager", "the service manager is not reached",
      {{"error", std::error_code(errno, std::generic_category()).message()}});
}

}  // namespace dbpool::exporter
