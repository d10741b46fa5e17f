#include "exporter/settings/parsers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "exporter/base/ascii.h"

namespace dbpool::exporter {

namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};
// Longer names first: "ms" is not "m" and an "s".
constexpr std::array<Unit, 5> kUnits = {
    {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};

// Takes a decimal number from the start of `text`. The first character must
// be a digit: no sign, no "inf".
std::optional<double> take_decimal(std::string_view& text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  double value = 0;
  const auto [stop, error] = std::from_chars(
      text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return value;
}

std::optional<double> take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) {
      text.remove_prefix(unit.name.size());
      return unit.nanoseconds;
    }
  }
  return std::nullopt;
}

std::optional<Duration> duration_of(std::string_view text) {
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto number = take_decimal(text);
    const auto unit = number ? take_unit(text) : std::nullopt;
    if (!unit) return std::nullopt;
    total += *number * *unit;
  }
  // Far above every bound, and far below an overflow.
  constexpr double kMost = 1e18;
  if (total > kMost) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(total));
}

std::string range(std::uint64_t low, std::uint64_t high) {
  return " from " + std::to_string(low) + " to " + std::to_string(high);
}

std::string decimal_text(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::uint64_t> digits(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

Refusal parse_number(std::string_view text, std::uint64_t low,
                     std::uint64_t high, std::uint64_t& out) {
  const auto value = digits(text);
  if (!value || *value < low || *value > high) {
    return "a whole number" + range(low, high);
  }
  out = *value;
  return std::nullopt;
}

Refusal parse_number_or_unlimited(std::string_view text, std::uint64_t high,
                                  std::optional<std::uint64_t>& out) {
  std::uint64_t value = 0;
  if (text != "unlimited") {
    Refusal refusal = parse_number(text, 0, high, value);
    if (refusal) return *refusal + ", where 0 or unlimited means no limit";
  }
  out = value == 0 ? std::nullopt : std::optional(value);
  return std::nullopt;
}

Refusal parse_ms(std::string_view text, std::uint64_t low, std::uint64_t high,
                 Duration& out) {
  std::uint64_t value = 0;
  if (parse_number(text, low, high, value)) {
    return "a whole number of milliseconds" + range(low, high);
  }
  out = std::chrono::milliseconds(value);
  return std::nullopt;
}

Refusal parse_ms_or_unlimited(std::string_view text, std::uint64_t high,
                              std::optional<Duration>& out) {
  Duration value{0};
  if (text != "unlimited") {
    Refusal refusal = parse_ms(text, 0, high, value);
    if (refusal) return *refusal + ", where 0 or unlimited means no limit";
  }
  out = value == Duration(0) ? std::nullopt : std::optional(value);
  return std::nullopt;
}

Refusal parse_bool(std::string_view text, bool& out) {
  return parse_word<bool>(in_lower_case(text),
                          {{"true", true},
                           {"false", false},
                           {"1", true},
                           {"0", false},
                           {"yes", true},
                           {"no", false},
                           {"on", true},
                           {"off", false}},
                          out);
}

Refusal parse_duration(std::string_view text, Duration low, Duration high,
                       Duration& out) {
  const auto value = duration_of(text);
  if (!value || *value < low || *value > high) {
    return "a duration such as 15s or 500ms from " + duration_text(low) +
           " to " + duration_text(high);
  }
  out = *value;
  return std::nullopt;
}

Refusal parse_duration_or_off(std::string_view text, Duration low,
                              Duration high, std::optional<Duration>& out) {
  Duration value{0};
  if (text != "off" && duration_of(text) != Duration(0)) {
    Refusal refusal = parse_duration(text, low, high, value);
    if (refusal) return *refusal + ", or 0 or off";
  }
  out = value == Duration(0) ? std::nullopt : std::optional(value);
  return std::nullopt;
}

Refusal parse_rate(std::string_view text, double high, double& out) {
  const std::string accepted =
      "a decimal number above 0, at most " + decimal_text(high);
  std::string_view rest = text;
  const auto value = take_decimal(rest);
  if (!value || !rest.empty() || *value <= 0 || *value > high) return accepted;
  out = *value;
  return std::nullopt;
}

std::string duration_text(Duration duration) {
  const auto ns = std::chrono::nanoseconds(duration).count();
  if (ns == 0) return "0";
  if (ns % 3'600'000'000'000 == 0) {
    return std::to_string(ns / 3'600'000'000'000) + "h";
  }
  if (ns % 60'000'000'000 == 0)
    return std::to_string(ns / 60'000'000'000) + "m";
  if (ns >= 1'000'000'000)
    return decimal_text(static_cast<double>(ns) / 1e9) + "s";
  return decimal_text(static_cast<double>(ns) / 1e6) + "ms";
}

}  // namespace dbpool::exporter
