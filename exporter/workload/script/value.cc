#include "exporter/workload/script/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "dbpool/utf8.h"
#include "exporter/base/ascii.h"

namespace dbpool::exporter::script {
namespace {

constexpr int kDoubleDigits = std::numeric_limits<double>::digits10;

std::string text_of_double(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  std::array<char, 40> buffer = {};
  const auto [end, error] =
      std::to_chars(buffer.begin(), buffer.end(), number,
                    std::chars_format::general, kDoubleDigits);
  return {buffer.begin(), end};
}

// The whole of `text` as a number.
template <typename Number>
bool read_number(std::string_view text, Number& number) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string_view type_name(const Value& value) noexcept {
  constexpr std::array<std::string_view, 4> kNames = {"null", "boolean", "int",
                                                      "double"};
  return kNames.at(value.index());
}

tl::unexpected<std::string> no_such_conversion(const Value& value,
                                               std::string_view wanted) {
  return tl::unexpected("cannot coerce " + std::string(type_name(value)) +
                        " to " + std::string(wanted));
}

}  // namespace

std::string shown(std::string_view text, std::size_t most) {
  std::string safe(utf8_prefix(text, most));
  std::ranges::replace_if(
      safe, [](char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }, '?');
  return safe;
}

std::string text_of(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*whole);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return text_of_double(*number);
  }
  return "NULL";
}

Result<Value> value_of(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const std::string lower = in_lower_case(text);
  const auto abbreviates = [&](std::string_view word) {
    return !lower.empty() && word.starts_with(lower);
  };
  if (lower == "null") return Value(Null());
  if (abbreviates("true") || abbreviates("yes") || lower == "on") return true;
  if (abbreviates("false") || abbreviates("no") || lower == "off" ||
      lower == "of") {
    return false;
  }
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  if (std::int64_t whole = 0; read_number(text, whole)) return whole;
  const bool is_whole =
      !text.empty() &&
      text.find_first_not_of("+-0123456789") == std::string_view::npos;
  if (double number = 0; !is_whole && read_number(text, number)) return number;
  return tl::unexpected(
      std::string("its value is neither a number nor a "
                  "boolean"));
}

Result<std::int64_t> to_int(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return *whole;
  const auto* number = std::get_if<double>(&value);
  if (number == nullptr) return no_such_conversion(value, "int");
  // 2^63 is the first double beyond; the lowest integer is one itself.
  constexpr double kBeyond = 9223372036854775808.0;
  const double rounded = std::rint(*number);
  const bool fits = rounded >= -kBeyond && rounded < kBeyond;  // NaN does not
  if (!fits) {
    return tl::unexpected("double to int overflow for " +
                          text_of_double(*number));
  }
  return static_cast<std::int64_t>(rounded);
}

Result<double> to_double(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return static_cast<double>(*whole);
  }
  return no_such_conversion(value, "double");
}

Result<bool> to_bool(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  return no_such_conversion(value, "boolean");
}

bool is_true(const Value& value) noexcept {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return *whole != 0;
  }
  const auto* number = std::get_if<double>(&value);
  return number != nullptr && *number != 0;
}

}  // namespace dbpool::exporter::script
