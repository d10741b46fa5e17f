#include "exporter/utf8.h"

#include <algorithm>
#include <cstddef>

#include "dbpool/utf8.h"

namespace dbpool {

std::string to_utf8(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  const auto odd = std::ranges::find_if(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  std::string result(text.begin(), odd);
  text.remove_prefix(result.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length > 0) {
      result.append(text.substr(0, length));
    } else {
      const unsigned byte = static_cast<unsigned char>(text.front());
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

}  // namespace dbpool
