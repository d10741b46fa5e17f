#include "dbpool/utf8.h"

#include <algorithm>

namespace dbpool {

namespace {

struct Sequence {
  std::size_t length;
  unsigned second_low, second_high;  // what the second byte may be
};

// Table 3-7 of the Unicode standard: no overlong forms, no surrogates,
// nothing above U+10FFFF.
Sequence sequence_of(unsigned first) noexcept {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xC2) return {0, 0, 0};
  if (first < 0xE0) return {2, 0x80, 0xBF};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first < 0xF0) return {3, 0x80, 0xBF};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first < 0xF4) return {4, 0x80, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

unsigned byte_at(std::string_view text, std::size_t index) noexcept {
  return static_cast<unsigned char>(text[index]);
}

}  // namespace

std::size_t utf8_length(std::string_view text) noexcept {
  const Sequence sequence = sequence_of(byte_at(text, 0));
  if (text.size() < sequence.length) return 0;
  for (std::size_t i = 1; i < sequence.length; ++i) {
    const unsigned low = i == 1 ? sequence.second_low : 0x80;
    const unsigned high = i == 1 ? sequence.second_high : 0xBF;
    const unsigned byte = byte_at(text, i);
    if (byte < low || byte > high) return 0;
  }
  return sequence.length;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string_view utf8_prefix(std::string_view text,
                             std::size_t characters) noexcept {
  std::size_t end = 0;
  for (; characters > 0 && end < text.size(); --characters) {
    end += std::max<std::size_t>(utf8_length(text.substr(end)), 1);
  }
  return text.substr(0, end);
}

}  // namespace dbpool
