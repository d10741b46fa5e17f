#include "pool/src/text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace dbpool::detail {
namespace {

// The length of the well-formed UTF-8 character at the start of `text`, or 0.
std::size_t character_length(std::string_view text) noexcept {
  const auto byte = [text](std::size_t index) {
    return index < text.size() ? static_cast<std::uint8_t>(text[index])
                               : std::uint8_t{0};
  };
  const auto is_tail = [byte](std::size_t index) {
    return (byte(index) & 0xC0) == 0x80;
  };
  const std::uint8_t first = byte(0);
  const std::uint8_t second = byte(1);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;
  if (first < 0xE0) return is_tail(1) ? 2 : 0;
  if (first < 0xF0) {
    if (first == 0xE0 && second < 0xA0) return 0;  // overlong
    if (first == 0xED && second > 0x9F) return 0;  // a surrogate
    return is_tail(1) && is_tail(2) ? 3 : 0;
  }
  if (first > 0xF4 || (first == 0xF0 && second < 0x90) ||
      (first == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return is_tail(1) && is_tail(2) && is_tail(3) ? 4 : 0;
}

bool is_blank(char character) noexcept {
  const auto byte = static_cast<std::uint8_t>(character);
  return byte <= 0x20 || byte == 0x7F;
}

// `text` is well-formed UTF-8.
std::string cut(std::string text, std::size_t most_bytes) {
  constexpr std::string_view kMark = "...";
  if (text.size() <= most_bytes) return text;
  std::size_t end = most_bytes < kMark.size() ? 0 : most_bytes - kMark.size();
  const auto amid_character = [&text](std::size_t index) {
    return (static_cast<std::uint8_t>(text[index]) & 0xC0) == 0x80;
  };
  while (end > 0 && amid_character(end)) --end;
  text.resize(end);
  return text.append(kMark, 0, most_bytes);
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string one_line(std::string_view text, std::size_t most_bytes) {
  std::string line;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) {
      line += '?';
    } else if (length > 1 || !is_blank(text.front())) {
      line += text.substr(0, length);
    } else if (!line.empty() && !line.ends_with(' ')) {
      line += ' ';
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  while (line.ends_with(' ')) line.pop_back();
  return cut(std::move(line), most_bytes);
}

std::string_view first_characters(std::string_view text,
                                  std::size_t characters) noexcept {
  std::size_t end = 0;
  for (; characters > 0 && end < text.size(); --characters) {
    end += std::max<std::size_t>(character_length(text.substr(end)), 1);
  }
  return text.substr(0, end);
}

}  // namespace dbpool::detail
