#include "pool/src/base/text.h"

#include <cstdint>
#include <utility>

#include "dbpool/utf8.h"

namespace dbpool::detail {
namespace {

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

std::string one_line(std::string_view text, std::size_t most_bytes) {
  std::string line;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
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

}  // namespace dbpool::detail
