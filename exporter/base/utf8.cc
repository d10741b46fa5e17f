#include "exporter/base/utf8.h"

#include <algorithm>
#include <cstddef>

#include "dbpool/utf8.h"

namespace dbpool {

namespace {

constexpr char kHex[] = "0123456789abcdef";

// Unicode's Bidi_Control. `character` is one whole character.
bool turns_direction(std::string_view character) {
  if (character == "\u061c") return true;
  if (character < "\u200e" || character > "\u2069") return false;
  return character <= "\u200f" ||
         (character >= "\u202a" && character <= "\u202e") ||
         character >= "\u2066";
}

// Of one of two or three bytes.
void append_escaped(std::string& text, std::string_view character) {
  unsigned point = 0;
  for (const char c : character) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_first = point == 0;
    point = is_first ? byte & (character.size() == 2 ? 0x1fU : 0x0fU)
                     : point << 6 | (byte & 0x3fU);
  }
  text += "\\u";
  for (unsigned shift = 16; shift > 0;) {
    shift -= 4;
    text += kHex[point >> shift & 15];
  }
}

}  // namespace

std::string to_utf8(std::string_view text) {
  const auto odd = std::ranges::find_if(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  std::string result(text.begin(), odd);
  text.remove_prefix(result.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length);
    if (turns_direction(character)) {
      append_escaped(result, character);
    } else if (length > 0) {
      result.append(character);
    } else {
      const unsigned byte = static_cast<unsigned char>(text.front());
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

}  // namespace dbpool
