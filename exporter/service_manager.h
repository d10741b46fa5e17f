// ServiceManager: tells systemd, or whoever else started the program and speaks
// sd_notify(3), how it is. libsystemd does the same and brings five more
// libraries into the process.
#ifndef DBPOOL_EXPORTER_SERVICE_MANAGER_H_
#define DBPOOL_EXPORTER_SERVICE_MANAGER_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "dbpool/options.h"
#include "exporter/logging/logger.h"

namespace dbpool::exporter {

// Without NOTIFY_SOCKET in the environment it does nothing. Thread-safety: any
// thread, once made.
class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and says which of them
  // it cannot use. `log` must outlive it.
  explicit ServiceManager(Logger& log);

  // That the program has started and may be used.
  void ready() const noexcept;
  // That it lives.
  void lives() const noexcept;
  // That it ends, which may take so long.
  void stopping(Duration at_most) const noexcept;

  // It ends the program unless it hears lives() at least this often. nullopt:
  // it does not.
  std::optional<Duration> watchdog_period() const { return watchdog_period_; }

 private:
  void read_socket();
  void read_watchdog();
  void tell(std::string_view state) const noexcept;

  // Constant after construction.
  Logger& log_;
  // As in sockaddr_un: an abstract one begins with a 0 byte. Empty: none.
  std::string socket_;
  std::optional<Duration> watchdog_period_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SERVICE_MANAGER_H_
