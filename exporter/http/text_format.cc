#include "exporter/http/text_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include "exporter/utf8.h"

namespace dbpool::exporter {

namespace {

using ::prometheus::ClientMetric;
using ::prometheus::MetricFamily;
using ::prometheus::MetricType;

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::Counter:
      return "counter";
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Summary:
      return "summary";
    case MetricType::Histogram:
      return "histogram";
    case MetricType::Untyped:
      break;
  }
  return "untyped";
}

// Printable ASCII without a quote or a backslash: nearly every name and value.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c >= ' ' && c <= '~' && c != '\\' && c != '"';
  });
}

void append_escaped(std::string& out, std::string_view text, bool in_quotes) {
  if (is_plain(text)) {
    out += text;
    return;
  }
  for (const char c : to_utf8(text)) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && in_quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_number(std::string& out, double value) {
  // Beyond 2^53 not every whole number is a double; below, none is lost.
  constexpr double kExact = 9'007'199'254'740'992.0;
  std::array<char, 64> text{};
  std::to_chars_result end{};
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  if (std::abs(value) < kExact && value == std::trunc(value)) {
    end = std::to_chars(text.data(), text.data() + text.size(),
                        static_cast<std::int64_t>(value));
  } else {
    // `general` writes 0.0001 where the shortest form would be 1e-04.
    end = std::to_chars(text.data(), text.data() + text.size(), value,
                        std::chars_format::general);
  }
  out.append(text.data(), end.ptr);
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void header(const MetricFamily& family) {
    out_.append("# HELP ").append(family.name).append(" ");
    append_escaped(out_, family.help, false);
    out_.append("\n# TYPE ").append(family.name).append(" ");
    out_.append(type_name(family.type)).append("\n");
  }

  void metric(const MetricFamily& family, const ClientMetric& metric) {
    labels_.clear();
    for (const auto& [name, text] : metric.label) {
      append_label(labels_, name, text);
    }
    switch (family.type) {
      case MetricType::Counter:
        sample(family, "", metric, metric.counter.value);
        break;
      case MetricType::Gauge:
        sample(family, "", metric, metric.gauge.value);
        break;
      case MetricType::Untyped:
        sample(family, "", metric, metric.untyped.value);
        break;
      case MetricType::Summary:
        summary(family, metric);
        break;
      case MetricType::Histogram:
        histogram(family, metric);
        break;
    }
  }

 private:
  static void append_label(std::string& out, std::string_view name,
                           std::string_view value) {
    if (!out.empty()) out += ',';
    out.append(name).append("=\"");
    append_escaped(out, value, true);
    out += '"';
  }

  void sample(const MetricFamily& family, std::string_view suffix,
              const ClientMetric& metric, double value,
              std::string_view extra_name = {},
              std::string_view extra_value = {}) {
    out_.append(family.name).append(suffix);
    if (!labels_.empty() || !extra_name.empty()) {
      out_.append("{").append(labels_);
      if (!extra_name.empty()) {
        if (!labels_.empty()) out_ += ',';
        out_.append(extra_name).append("=\"").append(extra_value).append("\"");
      }
      out_ += '}';
    }
    out_ += ' ';
    append_number(out_, value);
    if (metric.timestamp_ms != 0) {
      out_.append(" ").append(std::to_string(metric.timestamp_ms));
    }
    out_ += '\n';
  }

  void summary(const MetricFamily& family, const ClientMetric& metric) {
    for (const auto& [quantile, value] : metric.summary.quantile) {
      sample(family, "", metric, value, "quantile",
             to_prometheus_number(quantile));
    }
    sample(family, "_sum", metric, metric.summary.sample_sum);
    sample(family, "_count", metric,
           static_cast<double>(metric.summary.sample_count));
  }

  void histogram(const MetricFamily& family, const ClientMetric& metric) {
    bool has_last = false;
    for (const auto& bucket : metric.histogram.bucket) {
      has_last = has_last || std::isinf(bucket.upper_bound);
      sample(family, "_bucket", metric,
             static_cast<double>(bucket.cumulative_count), "le",
             to_prometheus_number(bucket.upper_bound));
    }
    const auto count = static_cast<double>(metric.histogram.sample_count);
    if (!has_last) sample(family, "_bucket", metric, count, "le", "+Inf");
    sample(family, "_sum", metric, metric.histogram.sample_sum);
    sample(family, "_count", metric, count);
  }

  std::string& out_;
  std::string labels_;  // of the metric at hand, without braces
};

// One family for each name, in order of first appearance.
std::vector<MetricFamily> put_together(std::vector<MetricFamily> families) {
  std::vector<MetricFamily> result;
  std::map<std::string, std::size_t, std::less<>> places;
  for (MetricFamily& family : families) {
    if (family.metric.empty()) continue;
    const auto [place, is_new] = places.emplace(family.name, result.size());
    if (is_new) {
      result.push_back(std::move(family));
      continue;
    }
    auto& metrics = result[place->second].metric;
    metrics.insert(metrics.end(), family.metric.begin(), family.metric.end());
  }
  return result;
}

}  // namespace

std::string to_prometheus_number(double value) {
  std::string text;
  append_number(text, value);
  return text;
}

std::string to_prometheus_text(std::vector<MetricFamily> families) {
  std::string page;
  Writer writer(page);
  for (const MetricFamily& family : put_together(std::move(families))) {
    writer.header(family);
    for (const ClientMetric& metric : family.metric) {
      writer.metric(family, metric);
    }
  }
  return page;
}

}  // namespace dbpool::exporter
