#include "exporter/settings/refused_value.h"

#include <algorithm>
#include <cstddef>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/ascii.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kShownValue = 60;
constexpr std::size_t kShownPath = 200;

}  // namespace

std::string shown_value(std::string_view text) {
  const std::string safe = redact(to_utf8(text));
  const std::string_view start = utf8_prefix(safe, kShownValue);
  return in_quotes(std::string(start) +
                   (start.size() < safe.size() ? "…" : ""));
}

std::string path_to_show(std::string_view path) {
  constexpr std::string_view kBase64OfPem = "LS0t";
  const bool is_ordinary = std::ranges::all_of(path, [](char c) {
    return is_name_char(c) ||
           std::string_view("/.-+~${}").find(c) != std::string_view::npos;
  });
  const bool is_path = path.find_first_of("/.") != std::string_view::npos ||
                       path.find("${") != std::string_view::npos;
  if (!is_ordinary || !is_path || path.size() > kShownPath ||
      path.starts_with(kBase64OfPem)) {
    return "";
  }
  return redact(path);
}

std::string refused_value(const std::string& name, std::string_view value,
                          const std::string& expected) {
  return name +
         (value.empty() ? ": no value was given; expected "
                        : "=" + shown_value(value) + ": expected ") +
         expected;
}

}  // namespace dbpool::exporter
