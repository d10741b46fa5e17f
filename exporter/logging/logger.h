// Logger: leveled lines of key=value pairs (logfmt) or JSON objects.
//
//   log.info("listening", {{"address", ":10187"}, {"threads", 50}});
#ifndef DBPOOL_EXPORTER_LOGGING_LOGGER_H_
#define DBPOOL_EXPORTER_LOGGING_LOGGER_H_

#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "exporter/logging/log_line.h"
#include "exporter/logging/rate_limiter.h"
#include "exporter/logging/stderr_writer.h"

namespace spdlog {
class logger;
namespace sinks {
class sink;
}
}  // namespace spdlog

namespace dbpool::exporter {

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kLogfmt;
};

// Thread-safety: any thread; lines of several threads never mix. Never throws,
// and never waits for whoever reads the log: a line that cannot be written is
// lost.
class Logger {
 public:
  // Writes to standard error, see StderrWriter.
  explicit Logger(const LogOptions& options);
  // Writes to `sink`, which receives whole lines as payload.
  Logger(const LogOptions& options, std::shared_ptr<spdlog::sinks::sink> sink);
  ~Logger();
  Logger(const Logger&) = delete;
  Logger& operator=(const Logger&) = delete;

  // Waits until all is written, for 200 ms at most. For an end without
  // destructors.
  void flush() noexcept;

  bool enabled(LogLevel level) const noexcept { return level >= level_; }

  void log(LogLevel level, std::string_view message,
           std::span<const LogField> fields) noexcept;

  using Fields = std::initializer_list<LogField>;
  void debug(std::string_view message, Fields fields = {}) noexcept;
  void info(std::string_view message, Fields fields = {}) noexcept;
  void warn(std::string_view message, Fields fields = {}) noexcept;
  void error(std::string_view message, Fields fields = {}) noexcept;

  // For what may repeat quickly: writes at most one line in 10 s for each
  // `key`, with the number of those held back since as `held_back`.
  void limited(LogLevel level, std::string_view key, std::string_view message,
               std::span<const LogField> fields) noexcept;
  void limited(LogLevel level, std::string_view key, std::string_view message,
               Fields fields = {}) noexcept;

 private:
  Logger(const LogOptions& options, std::unique_ptr<StderrWriter> writer,
         std::shared_ptr<spdlog::sinks::sink> sink);

  // Constant after construction.
  const LogLevel level_;
  const LogFormat format_;
  const std::unique_ptr<StderrWriter> writer_;  // null with a sink given
  const std::shared_ptr<spdlog::logger> out_;

  RateLimiter limiter_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LOGGING_LOGGER_H_
