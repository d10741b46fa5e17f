#include "exporter/http/text_format.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <unordered_map>
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
// Without a branch, so that the compiler looks at many characters at once.
bool is_plain(std::string_view text) {
  unsigned odd = 0;
  for (const char c : text) {
    odd |= static_cast<unsigned>(c < ' ') | static_cast<unsigned>(c > '~') |
           static_cast<unsigned>(c == '\\') | static_cast<unsigned>(c == '"');
  }
  return odd == 0;
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

// Writes what many samples share once: the labels of a metric, and the bounds
// of its buckets, which are mostly those of the histogram before it.
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
    take_labels(metric);
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
  void take_labels(const ClientMetric& metric) {
    opened_ = "{";
    for (const auto& [name, text] : metric.label) {
      opened_.append(name).append("=\"");
      append_escaped(opened_, text, true);
      opened_ += "\",";
    }
    braced_.assign(opened_, 0, opened_.size() - 1);
    if (!metric.label.empty()) braced_ += '}';
  }

  void sample(const MetricFamily& family, std::string_view suffix,
              const ClientMetric& metric, double value) {
    out_.append(family.name).append(suffix).append(braced_);
    number(metric, value);
  }

  // A sample with one more label, whose value needs no escape.
  void sample(const MetricFamily& family, std::string_view suffix,
              const ClientMetric& metric, double value, std::string_view name,
              std::string_view text) {
    out_.append(family.name).append(suffix).append(opened_).append(name);
    out_.append("=\"").append(text).append("\"}");
    number(metric, value);
  }

  void number(const ClientMetric& metric, double value) {
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
    const auto& buckets = metric.histogram.bucket;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      has_last = has_last || std::isinf(buckets[i].upper_bound);
      sample(family, "_bucket", metric,
             static_cast<double>(buckets[i].cumulative_count), "le",
             bound(i, buckets[i].upper_bound));
    }
    const auto count = static_cast<double>(metric.histogram.sample_count);
    if (!has_last) sample(family, "_bucket", metric, count, "le", "+Inf");
    sample(family, "_sum", metric, metric.histogram.sample_sum);
    sample(family, "_count", metric, count);
  }

  // The text of the bucket's bound. Valid until the next call.
  std::string_view bound(std::size_t index, double value) {
    if (index >= bounds_.size()) {
      bounds_.resize(index + 1, {0, to_prometheus_number(0)});
    }
    auto& [known, text] = bounds_[index];
    if (known != value) {
      known = value;
      text = to_prometheus_number(value);
    }
    return text;
  }

  std::string& out_;
  std::string opened_;  // the metric's labels, ready for one more: {a="b",
  std::string braced_;  // the same, whole: {a="b"}, or nothing
  std::vector<std::pair<double, std::string>> bounds_;
};

// The families of each name, in order of first appearance.
using SameName = std::vector<const MetricFamily*>;
std::vector<SameName> put_together(const std::vector<MetricFamily>& families) {
  std::vector<SameName> groups;
  std::unordered_map<std::string_view, std::size_t> places;
  for (const MetricFamily& family : families) {
    if (family.metric.empty()) continue;
    const auto [place, is_new] = places.emplace(family.name, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back(&family);
  }
  return groups;
}

}  // namespace

std::string to_prometheus_number(double value) {
  std::string text;
  append_number(text, value);
  return text;
}

std::string to_prometheus_text(const std::vector<MetricFamily>& families,
                               std::size_t expected_size) {
  std::string page;
  page.reserve(expected_size);
  Writer writer(page);
  for (const SameName& group : put_together(families)) {
    writer.header(*group.front());
    for (const MetricFamily* family : group) {
      for (const ClientMetric& metric : family->metric) {
        writer.metric(*family, metric);
      }
    }
  }
  return page;
}

}  // namespace dbpool::exporter
