// From text to values. Each function returns nullopt and fills `out`, or
// returns what is accepted, worded to follow "expected ".
#ifndef DBPOOL_EXPORTER_SETTINGS_PARSERS_H_
#define DBPOOL_EXPORTER_SETTINGS_PARSERS_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/options.h"

namespace dbpool::exporter {

using Refusal = std::optional<std::string>;

// `text` without the blanks, tabs and newlines round it: variables from files
// and secrets often end in a newline.
std::string_view trim(std::string_view text) noexcept;

// "one, two".
std::string joined(const std::vector<std::string>& texts);

// Decimal digits only: no sign, no exponent, no separators.
std::optional<std::uint64_t> digits(std::string_view text) noexcept;

Refusal parse_number(std::string_view text, std::uint64_t low,
                     std::uint64_t high, std::uint64_t& out);

template <std::unsigned_integral Number>
Refusal parse_number(std::string_view text, std::uint64_t low, Number high,
                     Number& out) {
  std::uint64_t wide = 0;
  Refusal refusal = parse_number(text, low, std::uint64_t{high}, wide);
  if (!refusal) out = static_cast<Number>(wide);
  return refusal;
}

// The same, where 0 and "unlimited" mean no limit.
Refusal parse_number_or_unlimited(std::string_view text, std::uint64_t high,
                                  std::optional<std::uint64_t>& out);

// Whole milliseconds.
Refusal parse_ms(std::string_view text, std::uint64_t low, std::uint64_t high,
                 Duration& out);

// The same from 1, where 0 and "unlimited" mean never.
Refusal parse_ms_or_unlimited(std::string_view text, std::uint64_t high,
                              std::optional<Duration>& out);

// true, false, 1, 0, yes, no, on, off; in any case.
Refusal parse_bool(std::string_view text, bool& out);

// A duration with units, e.g. 15s, 500ms, 1m30s, 1.5h; bounds inclusive.
Refusal parse_duration(std::string_view text, Duration low, Duration high,
                       Duration& out);

// The same, where 0 and "off" mean off.
Refusal parse_duration_or_off(std::string_view text, Duration low,
                              Duration high, std::optional<Duration>& out);

// A decimal number above 0, e.g. 2.5; no exponent.
Refusal parse_rate(std::string_view text, double high, double& out);

// One of a few words.
template <typename Value>
Refusal parse_word(
    std::string_view text,
    std::initializer_list<std::pair<std::string_view, Value>> words,
    Value& out) {
  std::string accepted;
  for (const auto& [word, value] : words) {
    if (word == text) {
      out = value;
      return std::nullopt;
    }
    accepted += (accepted.empty() ? "" : ", ") + std::string(word);
  }
  return "one of " + accepted;
}

// "15s", "1.5s", "250ms": a duration as parse_duration() takes it.
std::string duration_text(Duration duration);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_SETTINGS_PARSERS_H_
