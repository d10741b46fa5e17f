#include "exporter/logging/log_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/timestamp.h"

namespace dbpool::exporter {

namespace {

std::string fit_text(std::string_view text) {
  std::string result = to_utf8(redact(text));
  const std::size_t kept = utf8_prefix(result, kMaxLogText).size();
  if (kept < result.size()) result.replace(kept, std::string::npos, "…");
  return result;
}

bool is_plain(char c) {
  return c > ' ' && c < '\x7f' && c != '"' && c != '=' && c != '\\';
}

std::string logfmt_text(std::string_view text) {
  const std::string fit = fit_text(text);
  const bool plain =
      !fit.empty() && std::all_of(fit.begin(), fit.end(), is_plain);
  return plain ? fit : in_quotes(fit);
}

template <typename Number>
std::string number_text(Number number) {
  std::array<char, 32> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

std::string value_text(const LogValue& value, LogFormat format) {
  struct Visitor {
    LogFormat format;
    std::string operator()(std::string_view text) const {
      return format == LogFormat::kJson ? in_quotes(fit_text(text))
                                        : logfmt_text(text);
    }
    std::string operator()(std::int64_t number) const {
      return number_text(number);
    }
    std::string operator()(std::uint64_t number) const {
      return number_text(number);
    }
    std::string operator()(double number) const {
      // JSON has no word for the infinite.
      if (!std::isfinite(number) && format == LogFormat::kJson) {
        return in_quotes(number_text(number));
      }
      return number_text(number);
    }
    std::string operator()(bool truth) const {
      return truth ? "true" : "false";
    }
  };
  return std::visit(Visitor{format}, value.get());
}

void append(std::string& line, LogFormat format, std::string_view key,
            const LogValue& value) {
  if (format == LogFormat::kJson) {
    line += line.empty() ? "{\"" : ",\"";
    line.append(key).append("\":");
  } else {
    if (!line.empty()) line += ' ';
    line.append(key).append("=");
  }
  line += value_text(value, format);
}

void append_escaped(std::string& out, unsigned code) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (code) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += kHex[(code >> 4) & 15];
      out += kHex[code & 15];
  }
}

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

std::string in_quotes(std::string_view text) {
  std::string result = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned next =
        i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (byte < 0x20 || byte == 0x7f || byte == '"' || byte == '\\') {
      append_escaped(result, byte);
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      // U+0080 … U+009F: terminals take them for control codes.
      append_escaped(result, next);
      ++i;
    } else {
      result += text[i];
    }
  }
  return result += '"';
}

std::string log_line(LogFormat format, LogLevel level,
                     std::chrono::system_clock::time_point time,
                     std::string_view message,
                     std::span<const LogField> fields) {
  std::string line;
  append(line, format, "ts", rfc3339_utc(time));
  append(line, format, "level", to_string(level));
  append(line, format, "msg", message);
  for (const LogField& field : fields) {
    append(line, format, field.key, field.value);
  }
  if (format == LogFormat::kJson) line += '}';
  return line;
}

}  // namespace dbpool::exporter
