#include "exporter/base/duration_words.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>

namespace dbpool::exporter {

namespace {

std::string join(std::int64_t large, const char* large_unit, std::int64_t small,
                 const char* small_unit) {
  return std::to_string(large) + ' ' + large_unit + ' ' +
         std::to_string(small) + ' ' + small_unit;
}

}  // namespace

std::string duration_for_people(Duration duration) {
  using std::chrono::duration_cast;
  const auto seconds = duration_cast<std::chrono::seconds>(duration).count();
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (seconds >= kDay) {
    return join(seconds / kDay, "d", seconds % kDay / kHour, "h");
  }
  if (seconds >= kHour) {
    return join(seconds / kHour, "h", seconds % kHour / kMinute, "min");
  }
  if (seconds >= 100) {
    return join(seconds / kMinute, "min", seconds % kMinute, "s");
  }
  std::array<char, 32> text;
  const double exact = std::chrono::duration<double>(duration).count();
  const bool is_short = duration < std::chrono::milliseconds(999);
  std::snprintf(text.data(), text.size(), is_short ? "%.3g ms" : "%.3g s",
                is_short ? exact * 1000 : exact);
  return text.data();
}

}  // namespace dbpool::exporter
