#include "exporter/http/text_page.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>

#include "exporter/base/utf8.h"

namespace dbpool::exporter {

namespace {

using metrics::Labels;
using metrics::MetricInfo;

// No value is longer: 64 bits in decimal, or a double in its fewest digits
// (24 in scientific notation, 17 and a point and zeros in fixed).
constexpr std::size_t kLongestNumber = 32;
// "_bucket", "_count", "_sum".
constexpr std::size_t kLongestSuffix = 7;

std::string_view type_name(::prometheus::MetricType type) {
  if (type == metrics::kCounter) return "counter";
  if (type == metrics::kGauge) return "gauge";
  assert(type == metrics::kHistogram);
  return "histogram";
}

// Printable ASCII without a quote or a backslash: nearly every value.
// Without a branch, so that the compiler looks at many characters at once.
bool is_plain(std::string_view text) {
  unsigned odd = 0;
  for (const char c : text) {
    odd |= static_cast<unsigned>(c < ' ') | static_cast<unsigned>(c > '~') |
           static_cast<unsigned>(c == '\\') | static_cast<unsigned>(c == '"');
  }
  return odd == 0;
}

char* put(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* put(char* at, double value) {
  // Beyond 2^53 not every whole number is a double; below, none is lost.
  constexpr double kExact = 9'007'199'254'740'992.0;
  if (std::isnan(value)) return put(at, "NaN");
  if (std::isinf(value)) return put(at, value > 0 ? "+Inf" : "-Inf");
  char* const end = at + kLongestNumber;
  if (std::abs(value) < kExact && value == std::trunc(value)) {
    return std::to_chars(at, end, static_cast<std::int64_t>(value)).ptr;
  }
  // `general` writes 0.0001 where the shortest form would be 1e-04.
  return std::to_chars(at, end, value, std::chars_format::general).ptr;
}

char* put(char* at, std::uint64_t value) {
  return std::to_chars(at, at + kLongestNumber, value).ptr;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : to_utf8(text)) {
    if (c == '\\') {
      result += "\\\\";
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '"') {
      result += "\\\"";
    } else {
      result += c;
    }
  }
  return result;
}

// Labels whose values need no escape.
using PlainLabels = std::span<const metrics::Label>;

// {a="b",c="d", ready for one more label or, in place of the comma, a brace.
char* put(char* at, PlainLabels labels) {
  *at++ = '{';
  for (const auto& [name, value] : labels) {
    at = put(at, name);
    at = put(at, "=\"");
    at = put(at, value);
    at = put(at, "\",");
  }
  return at;
}

std::size_t size_of(PlainLabels labels) {
  std::size_t size = 1;
  for (const auto& [name, value] : labels) {
    size += name.size() + value.size() + 4;
  }
  return size;
}

// The labels and the value of a sample after its name.
char* put_rest(char* at, PlainLabels labels, auto value) {
  if (!labels.empty()) {
    at = put(at, labels);
    at[-1] = '}';
  }
  *at++ = ' ';
  at = put(at, value);
  *at++ = '\n';
  return at;
}

std::size_t longest_sample(const MetricInfo& info, PlainLabels labels) {
  return info.name.size() + kLongestSuffix + size_of(labels) + kLongestNumber +
         2;
}

// What follows the labels in a bucket's sample: le="0.1"} and a blank.
using BoundTexts = std::array<std::string, kLatencyBoundsNs.size() + 1>;
const BoundTexts& bound_texts() {
  static const BoundTexts kTexts = [] {
    BoundTexts result;
    for (std::size_t i = 0; i < kLatencyBoundsNs.size(); ++i) {
      std::array<char, kLongestNumber> text{};
      char* const end =
          put(text.data(),
              metrics::seconds(std::chrono::nanoseconds(kLatencyBoundsNs[i])));
      result[i] = "le=\"";
      result[i].append(text.data(), end).append("\"} ");
    }
    result.back() = "le=\"+Inf\"} ";
    return result;
  }();
  return kTexts;
}

void write(TextBuffer& out, const MetricInfo& info, PlainLabels labels,
           double value) {
  char* at = out.room(longest_sample(info, labels));
  out.end_at(put_rest(put(at, info.name), labels, value));
}

void write(TextBuffer& out, const MetricInfo& info, PlainLabels labels,
           const HistogramSnapshot& histogram) {
  const BoundTexts& bounds = bound_texts();
  char* at = out.room((longest_sample(info, labels) + bounds.back().size()) *
                      (bounds.size() + 2));
  // All buckets begin alike: with the first one's beginning.
  const char* const first = at;
  at = put(put(put(at, info.name), "_bucket"), labels);
  const std::string_view beginning(first, static_cast<std::size_t>(at - first));
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (i > 0) at = put(at, beginning);
    cumulative += histogram.counts[i];
    at = put(put(at, bounds[i]), cumulative);
    *at++ = '\n';
  }
  at = put(put(at, info.name), "_sum");
  at = put_rest(at, labels, metrics::seconds(histogram.sum));
  at = put(put(at, info.name), "_count");
  out.end_at(put_rest(at, labels, cumulative));
}

// Writes the series with its labels escaped, which is seldom needed.
template <typename Value>
void write_escaped(TextBuffer& out, const MetricInfo& info, Labels labels,
                   const Value& value) {
  const PlainLabels all(labels.begin(), labels.end());
  if (std::ranges::all_of(all, is_plain, &metrics::Label::value)) {
    return write(out, info, all, value);
  }
  std::vector<std::string> texts;
  for (const metrics::Label& label : all) {
    texts.push_back(escaped(label.value));
  }
  std::vector<metrics::Label> safe(all.begin(), all.end());
  for (std::size_t i = 0; i < safe.size(); ++i) safe[i].value = texts[i];
  write(out, info, safe, value);
}

void write_header(TextBuffer& out, const MetricInfo& info) {
  // A help text is ours: one line, without backslashes.
  const std::string_view type = type_name(info.type);
  char* at =
      out.room(2 * info.name.size() + info.help.size() + type.size() + 18);
  at = put(put(put(put(at, "# HELP "), info.name), " "), info.help);
  at = put(put(put(put(at, "\n# TYPE "), info.name), " "), type);
  *at++ = '\n';
  out.end_at(at);
}

}  // namespace

void TextPage::add(const MetricInfo& info, Labels labels, double value) {
  write_escaped(section(info), info, labels, value);
}

void TextPage::add(const MetricInfo& info, Labels labels,
                   const HistogramSnapshot& histogram) {
  write_escaped(section(info), info, labels, histogram);
}

TextBuffer& TextPage::section(const MetricInfo& info) {
  const auto is_at = [&](std::size_t place) {
    return place < sections_.size() && sections_[place].info == &info;
  };
  // Mostly the one of the series before, or the one after it.
  if (is_at(latest_ + 1)) {
    ++latest_;
  } else if (!is_at(latest_)) {
    const auto [place, is_new] = places_.emplace(&info, sections_.size());
    if (is_new) sections_.push_back({&info, {}});
    latest_ = place->second;
  }
  TextBuffer& text = sections_[latest_].text;
  if (text.empty()) {
    order_.push_back(latest_);
    write_header(text, info);
  }
  return text;
}

std::string TextPage::take() {
  std::size_t size = 0;
  for (const std::size_t place : order_) {
    size += sections_[place].text.view().size();
  }
  std::string page;
  page.reserve(size);
  for (const std::size_t place : order_) {
    page += sections_[place].text.view();
    sections_[place].text.clear();
  }
  order_.clear();
  return page;
}

}  // namespace dbpool::exporter
