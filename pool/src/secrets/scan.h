// What those who look for secrets in texts share. ASCII only: the locale has
// no say in what a secret is.
//
// Thread-safety: pure functions.
#ifndef DBPOOL_POOL_SRC_SECRETS_SCAN_H_
#define DBPOOL_POOL_SRC_SECRETS_SCAN_H_

#include <cstddef>
#include <string_view>

namespace dbpool::detail {

// A part of a text: [begin, end).
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

inline constexpr std::string_view kMask = "***";
inline constexpr std::string_view kBlanks = " \t\r\n\v\f";

constexpr bool is_one_of(char character, std::string_view set) noexcept {
  return set.find(character) != std::string_view::npos;
}

constexpr bool is_blank(char character) noexcept {
  return is_one_of(character, kBlanks);
}

constexpr char to_lower(char character) noexcept {
  return character >= 'A' && character <= 'Z'
             ? static_cast<char>(character - 'A' + 'a')
             : character;
}

// A letter, a digit or '_'.
constexpr bool is_word(char character) noexcept {
  const char lower = to_lower(character);
  return (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
         lower == '_';
}

}  // namespace dbpool::detail

#endif  // DBPOOL_POOL_SRC_SECRETS_SCAN_H_
