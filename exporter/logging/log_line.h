// One log line as text: a pure function of its parts, in either format.
#ifndef DBPOOL_EXPORTER_LOGGING_LOG_LINE_H_
#define DBPOOL_EXPORTER_LOGGING_LOG_LINE_H_

#include <chrono>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace dbpool::exporter {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
enum class LogFormat : std::uint8_t { kLogfmt, kJson };

// "debug", "info", "warn", "error".
std::string_view to_string(LogLevel level) noexcept;

template <typename Type>
concept UnsignedNumber =
    std::unsigned_integral<Type> && !std::same_as<Type, bool>;

// A value of a field. It views its text, which must live until the call that
// logs it returns.
class LogValue {
 public:
  using Variant =
      std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  // Implicit, so that {"seconds", 1.5} reads as what it is.
  // NOLINTBEGIN(google-explicit-constructor)
  LogValue(std::string_view text) noexcept : value_(text) {}
  LogValue(const char* text) noexcept : value_(std::string_view(text)) {}
  LogValue(const std::string& text) noexcept
      : value_(std::in_place_type<std::string_view>, text) {}
  LogValue(double number) noexcept : value_(number) {}
  LogValue(std::same_as<bool> auto truth) noexcept : value_(truth) {}
  LogValue(std::signed_integral auto number) noexcept
      : value_(static_cast<std::int64_t>(number)) {}
  LogValue(UnsignedNumber auto number) noexcept
      : value_(static_cast<std::uint64_t>(number)) {}
  // NOLINTEND(google-explicit-constructor)

  const Variant& get() const noexcept { return value_; }

 private:
  Variant value_;
};

// `key` is a word of the code: letters, digits, '_' and '.'.
struct LogField {
  std::string_view key;
  LogValue value;
};

// Longer texts are cut; counted in characters.
inline constexpr std::size_t kMaxLogText = 4096;

// One line without its newline: ts, level, msg, then the fields in their
// order. Texts are redacted (dbpool::redact), made valid UTF-8, bounded and
// escaped, so that no text can break the line, forge another or reach the
// terminal's control codes.
std::string log_line(LogFormat format, LogLevel level,
                     std::chrono::system_clock::time_point time,
                     std::string_view message,
                     std::span<const LogField> fields);

// `text` in double quotes, escaped as in JSON, control codes and DEL
// included. What is no UTF-8 stays as it is: to_utf8() of the result shows it.
std::string in_quotes(std::string_view text);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_LOGGING_LOG_LINE_H_
