#include "exporter/settings/refused_value.h"

#include <cstddef>

#include "dbpool/error.h"
#include "dbpool/utf8.h"
#include "exporter/base/utf8.h"
#include "exporter/logging/log_line.h"

namespace dbpool::exporter {

namespace {

constexpr std::size_t kShownValue = 60;

}  // namespace

std::string shown_value(std::string_view text) {
  const std::string safe = redact(to_utf8(text));
  const std::string_view start = utf8_prefix(safe, kShownValue);
  return in_quotes(std::string(start) +
                   (start.size() < safe.size() ? "…" : ""));
}

std::string refused_value(const std::string& name, std::string_view value,
                          const std::string& expected) {
  return name +
         (value.empty() ? ": no value was given; expected "
                        : "=" + shown_value(value) + ": expected ") +
         expected;
}

}  // namespace dbpool::exporter
