#include "exporter/targets/story.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "exporter/base/utf8.h"

namespace dbpool::exporter {

namespace {

// Servers and DNS can say as much as they like.
constexpr std::size_t kLongestLine = 2000;

std::string one_line(std::string_view text) {
  std::string line = to_utf8(text.substr(0, kLongestLine));
  for (char& c : line) {
    if ((c >= 0 && c < ' ') || c == '\x7f') c = ' ';
  }
  return line;
}

}  // namespace

void Story::add(std::string_view line) {
  lines_.emplace_back(so_far(), one_line(line));
}

std::string Story::text() const {
  std::string text;
  for (const auto& [at, line] : lines_) {
    text += "# " + milliseconds_text(at) + "  " + line + "\n";
  }
  return text;
}

std::string milliseconds_text(Duration duration) {
  std::array<char, 32> text{};
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  const int size = std::snprintf(text.data(), text.size(), "%.1f ms", ms);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace dbpool::exporter
