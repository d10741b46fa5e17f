#include "exporter/logging/logger.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace dbpool::exporter {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit WriterSink(StderrWriter& writer) : writer_(writer) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line(message.payload.data(), message.payload.size());
    writer_.write(line += '\n');
  }
  void flush_() override {}

 private:
  StderrWriter& writer_;
};

std::unique_ptr<StderrWriter> make_writer(LogFormat format) {
  return std::make_unique<StderrWriter>([format](std::uint64_t count) {
    const std::vector<LogField> fields = {{"lines", count}};
    return log_line(format, LogLevel::kWarn, std::chrono::system_clock::now(),
                    "nobody read the log: lines were dropped", fields) +
           '\n';
  });
}

}  // namespace

Logger::Logger(const LogOptions& options)
    : Logger(options, make_writer(options.format), nullptr) {}

Logger::Logger(const LogOptions& options,
               std::shared_ptr<spdlog::sinks::sink> sink)
    : Logger(options, nullptr, std::move(sink)) {}

Logger::Logger(const LogOptions& options, std::unique_ptr<StderrWriter> writer,
               std::shared_ptr<spdlog::sinks::sink> sink)
    : level_(options.level),
      format_(options.format),
      writer_(std::move(writer)),
      out_(std::make_shared<spdlog::logger>(
          "dbpool_exporter",
          sink ? std::move(sink) : std::make_shared<WriterSink>(*writer_))) {
  out_->set_level(spdlog_level(level_));
  out_->set_pattern("%v");
}

Logger::~Logger() = default;

void Logger::flush() noexcept {
  if (writer_) writer_->flush(std::chrono::milliseconds(200));
}

void Logger::log(LogLevel level, std::string_view message,
                 std::span<const LogField> fields) noexcept {
  if (!enabled(level)) return;
  try {
    const auto now = std::chrono::system_clock::now();
    const std::string line = log_line(format_, level, now, message, fields);
    out_->log(spdlog_level(level), spdlog::string_view_t(line));
  } catch (const std::exception&) {
    // Out of memory: nobody is left to tell.
  }
}

void Logger::debug(std::string_view message, Fields fields) noexcept {
  log(LogLevel::kDebug, message, fields);
}

void Logger::info(std::string_view message, Fields fields) noexcept {
  log(LogLevel::kInfo, message, fields);
}

void Logger::warn(std::string_view message, Fields fields) noexcept {
  log(LogLevel::kWarn, message, fields);
}

void Logger::error(std::string_view message, Fields fields) noexcept {
  log(LogLevel::kError, message, fields);
}

void Logger::limited(LogLevel level, std::string_view key,
                     std::string_view message, Fields fields) noexcept {
  limited(level, key, message, std::span<const LogField>(fields));
}

void Logger::limited(LogLevel level, std::string_view key,
                     std::string_view message,
                     std::span<const LogField> fields) noexcept {
  if (!enabled(level)) return;
  try {
    const auto held_back = limiter_.admit(key, Clock::now());
    if (!held_back) return;
    std::vector<LogField> all(fields.begin(), fields.end());
    if (*held_back > 0) all.push_back({"held_back", *held_back});
    log(level, message, all);
  } catch (const std::exception&) {
    // As in log().
  }
}

}  // namespace dbpool::exporter
