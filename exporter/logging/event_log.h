// EventLog: what a pool tells (events.h) as log lines.
//
//   event                 when                         level
//   connection opened     connection log on            info
//   connection closed     connection log on            info
//   connect failed        always, limited              warn
//   opens again           after a failure, limited     info
//   leak, dirty return    always, limited              warn
//   lease abandoned       always                       error
//   statement             query log on, at most        info, failed ones warn;
//                         kQueriesASecond of each      those of probes only
//                                                      where they fail
//   failed statement      query log off, limited       warn, without its text
//   failed acquire        always, limited              warn; the pool tells
//                                                      its caller only, who
//                                                      calls acquire_failed()
//   failing probe         always                       warn, likewise
//
// Why an acquire failed, and what would help, is the verdict's to tell, if it
// names a cause: the pool does not know.
//
// Errors of the pool name the program's settings (setting_words.h).
// A statement's parameters are never logged, only their number.
#ifndef DBPOOL_EXPORTER_LOGGING_EVENT_LOG_H_
#define DBPOOL_EXPORTER_LOGGING_EVENT_LOG_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "dbpool/connect.h"
#include "dbpool/events.h"
#include "exporter/diagnosis/verdict.h"
#include "exporter/logging/logger.h"
#include "exporter/logging/rate_limiter.h"
#include "exporter/probes/probe.h"

namespace dbpool::exporter {

// Characters of a statement's text that are logged.
inline constexpr std::size_t kLoggedSqlCharacters = 200;

// More than somebody reads, less than buries every other line. The first line
// of the next second has the number of those held back.
inline constexpr std::uint32_t kQueriesASecond = 100;

struct EventLogOptions {
  bool queries = false;      // DB_LOG_QUERIES
  bool connections = false;  // DB_LOG_CONNECTIONS
  // Whose passwords no statement may show; may be null.
  std::shared_ptr<const ConnectionString> target = {};
};

// Thread-safety: as an EventSink must be.
class EventLog : public EventSink {
 public:
  // `log` must outlive it, and so it outlives the pools that use it.
  EventLog(Logger& log, EventLogOptions options);

  // From now on. Any thread.
  void set_options(EventLogOptions options);

  void connection_opened(const ConnectionOpenedEvent& event) noexcept override;
  void connect_failed(const ConnectFailedEvent& event) noexcept override;
  void connection_closed(const ConnectionClosedEvent& event) noexcept override;
  void leak_suspected(const LeaseEvent& event) noexcept override;
  void dirty_return(const LeaseEvent& event) noexcept override;
  void lease_abandoned(const LeaseEvent& event) noexcept override;
  void statement_finished(const StatementEvent& event) noexcept override;

  // `verdict` is the one in force on that pool.
  void acquire_failed(std::string_view pool, std::string_view workload,
                      const Error& error, const Verdict& verdict) noexcept;
  void probe_failed(std::string_view pool, std::string_view probe,
                    const ProbeFailure& failure,
                    const Verdict& verdict) noexcept;
  void script_failed(std::string_view pool, std::string_view workload,
                     std::string_view problem) noexcept;

 private:
  void log_statement(const StatementEvent& event);
  void log_failed_statement(const StatementEvent& event);

  std::shared_ptr<const ConnectionString> target() const;

  Logger& log_;
  std::atomic<bool> queries_logged_;
  std::atomic<bool> connections_logged_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ConnectionString> target_;  // guarded by mutex_
  std::atomic<bool> failing_ = false;               // the last opening failed
  RateLimiter queries_{std::chrono::seconds(1), 2, kQueriesASecond};
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LOGGING_EVENT_LOG_H_
