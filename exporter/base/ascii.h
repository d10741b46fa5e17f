// Letters and digits of ASCII, whatever the locale.
#ifndef DBPOOL_EXPORTER_BASE_ASCII_H_
#define DBPOOL_EXPORTER_BASE_ASCII_H_

#include <string>
#include <string_view>

namespace dbpool::exporter {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_letter_or_digit(char c) noexcept {
  return is_letter(c) || is_digit(c);
}

// What names of variables are made of, and what they begin with.
constexpr bool is_name_char(char c) noexcept {
  return is_letter_or_digit(c) || c == '_';
}
constexpr bool is_name_start(char c) noexcept {
  return is_letter(c) || c == '_';
}

constexpr char in_lower_case(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string in_lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = in_lower_case(c);
  return lower;
}

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_BASE_ASCII_H_
