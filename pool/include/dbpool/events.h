// EventSink: the rare things a pool tells, typed, so that the library needs
// no logger.
//
// Calls come from any thread, also several at once, never while a lock of
// the pool is held. An implementation must not block for long and must not
// call back into the pool. Texts are redacted; views live for the call only.
#ifndef DBPOOL_EVENTS_H_
#define DBPOOL_EVENTS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "dbpool/stats.h"

namespace dbpool {

struct ConnectionOpenedEvent {
  std::string_view pool;
  std::string_view host;  // where this one went: name, address or socket
  int backend_pid;
  Duration duration;
};

struct ConnectFailedEvent {
  std::string_view pool;
  ConnectFailure reason;
  std::string_view message;
  std::uint32_t failures_in_a_row;
  Duration next_try_in;
};

struct ConnectionClosedEvent {
  std::string_view pool;
  int backend_pid;
  CloseReason reason;
  std::uint64_t uses;
  Duration age;
};

struct LeaseEvent {
  std::string_view pool;
  std::string_view tag;   // may be empty
  std::string_view file;  // where it was acquired
  std::uint32_t line;
  int backend_pid;
  Duration age;
};

struct StatementEvent {
  std::string_view pool;
  std::string_view name;  // "unnamed" if the caller gave none
  std::string_view sql;   // whole; a sink that logs it must cut it
  std::size_t parameter_count;
  Duration duration;
  const Error* error;  // nullptr on success
};

class EventSink {
 public:
  virtual ~EventSink() = default;

  virtual void connection_opened(const ConnectionOpenedEvent&) noexcept {}
  virtual void connect_failed(const ConnectFailedEvent&) noexcept {}
  virtual void connection_closed(const ConnectionClosedEvent&) noexcept {}
  // Held past leak_threshold; once for each lease.
  virtual void leak_suspected(const LeaseEvent&) noexcept {}
  // Given back inside a transaction or amid a statement.
  virtual void dirty_return(const LeaseEvent&) noexcept {}
  // Still out when close() gave up.
  virtual void lease_abandoned(const LeaseEvent&) noexcept {}
  virtual void statement_finished(const StatementEvent&) noexcept {}
};

}  // namespace dbpool

#endif  // DBPOOL_EVENTS_H_
