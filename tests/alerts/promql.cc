#include "tests/alerts/promql.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <sstream>
#include <string_view>

namespace dbpool::test {
namespace {

using Words = std::set<std::string>;

const Words kGrouping = {"by",       "without",    "on",
                         "ignoring", "group_left", "group_right"};
// Words that are neither metrics nor called like functions.
const Words kKeywords = {"and",  "or",      "unless", "bool",  "inf",     "Inf",
                         "nan",  "NaN",     "sum",    "min",   "max",     "avg",
                         "topk", "bottomk", "count",  "group", "quantile"};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         c == ':';
}

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  Query read() {
    while (at_ < text_.size()) step();
    return std::move(query_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      skip_while([](char d) { return is_word(d) || d == '.'; });
    } else if (is_word(c)) {
      read_word();
    } else if (c == '"') {
      take_string();
    } else if (c == '[') {
      skip_while([](char d) { return d != ']'; });
    } else if (c == '#') {
      skip_while([](char d) { return d != '\n'; });
    } else if (c == '{') {
      read_matchers();
    } else {
      if (c == '(') functions_.emplace_back();
      if (c == ')' && !functions_.empty()) functions_.pop_back();
      ++at_;
    }
  }

  void read_word() {
    const std::string word = take_word();
    skip_space();
    const bool is_called = at_ < text_.size() && text_[at_] == '(';
    if (kGrouping.contains(word)) {
      if (is_called) read_labels();
    } else if (is_called) {
      functions_.push_back(word);
      ++at_;
    } else if (word == "offset") {
      if (!query_.selectors.empty()) query_.selectors.back().is_offset = true;
    } else if (!kKeywords.contains(word)) {
      add_name(word);
    }
  }

  void add_name(const std::string& word) {
    const std::string function = functions_.empty() ? "" : functions_.back();
    if (function == "label_values" && !query_.selectors.empty()) {
      query_.labels.insert(word);
    } else {
      query_.selectors.push_back({.metric = word, .function = function});
    }
  }

  // From '(' to behind ')'.
  void read_labels() {
    while (at_ < text_.size() && text_[at_] != ')') {
      if (is_word(text_[at_])) {
        query_.labels.insert(take_word());
      } else {
        ++at_;
      }
    }
    ++at_;
  }

  // From '{' to behind '}'.
  void read_matchers() {
    std::vector<Matcher> matchers;
    while (at_ < text_.size() && text_[at_] != '}') {
      if (!is_word(text_[at_])) {
        ++at_;
        continue;
      }
      Matcher matcher = {.label = take_word(), .op = {}, .value = {}};
      const std::size_t begin = at_;
      skip_while([](char c) { return c != '"'; });
      matcher.op = text_.substr(begin, at_ - begin);
      std::erase(matcher.op, ' ');
      matcher.value = take_string();
      matchers.push_back(std::move(matcher));
    }
    ++at_;
    if (!query_.selectors.empty()) {
      query_.selectors.back().matchers = std::move(matchers);
    }
  }

  std::string take_word() {
    const std::size_t begin = at_;
    skip_while(is_word);
    return text_.substr(begin, at_ - begin);
  }

  // From '"' to behind the next one that is not escaped.
  std::string take_string() {
    std::string value;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
      if (at_ < text_.size()) value += text_[at_];
    }
    ++at_;
    return value;
  }

  void skip_space() {
    skip_while([](char c) { return c == ' ' || c == '\n'; });
  }

  template <typename Predicate>
  void skip_while(Predicate holds) {
    while (at_ < text_.size() && holds(text_[at_])) ++at_;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  std::vector<std::string> functions_;  // of the open parentheses
  Query query_;
};

// Prometheus' own: series, and labels that it gives to scraped ones.
const Words kOwnSeries = {"up", "ALERTS", "scrape_duration_seconds"};
// `exporter` marks the targets of a fleet.
const Words kOwnLabels = {"job",       "instance",   "exporter",
                          "alertname", "alertstate", "severity"};

std::string type_of(const MetricsPage& page, const std::string& metric) {
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (!metric.ends_with(suffix)) continue;
    const std::string name = metric.substr(0, metric.size() - suffix.size());
    if (page.type(name) == "histogram") return "histogram";
  }
  // A histogram has no sample of its own name.
  return page.type(metric) == "histogram" ? "" : page.type(metric);
}

// The values that a matcher names; none where they are an open pattern or a
// variable.
std::vector<std::string> values_named(const Matcher& matcher) {
  std::vector<std::string> values;
  std::istringstream alternatives(matcher.value);
  for (std::string value; std::getline(alternatives, value, '|');) {
    const bool is_pattern =
        matcher.op.ends_with('~') &&
        value.find_first_of(".*+?[]()^") != std::string::npos;
    const bool is_variable = value.find('$') != std::string::npos;
    if (!is_pattern && !is_variable) values.push_back(value);
  }
  return values;
}

std::optional<std::string> fault_of(const Matcher& matcher,
                                    const std::string& metric,
                                    const MetricsPage& page) {
  if (kOwnLabels.contains(matcher.label)) return std::nullopt;
  const Words there = page.label_values(metric, matcher.label);
  if (there.empty()) return metric + " has no label " + matcher.label;
  for (const std::string& value : values_named(matcher)) {
    if (!there.contains(value)) {
      return metric + " has no " + matcher.label + "=\"" + value + "\"";
    }
  }
  return std::nullopt;
}

std::optional<std::string> fault_of(const Selector& selector,
                                    const MetricsPage& page) {
  const std::string& metric = selector.metric;
  const std::string type = type_of(page, metric);
  if (type.empty() || page.all(metric).empty()) {
    return "no metric is called " + metric;
  }
  const bool is_rated =
      Words{"rate", "irate", "increase"}.contains(selector.function);
  if (type == "gauge" && is_rated) return metric + " is a gauge";
  // Where it only matters that it is there, it has an offset.
  if (type != "gauge" && !is_rated && !selector.is_offset) {
    return metric + " is a " + type;
  }
  for (const Matcher& matcher : selector.matchers) {
    if (auto fault = fault_of(matcher, metric, page)) return fault;
  }
  return std::nullopt;
}

Words labels_of(const MetricsPage& page) {
  Words names = kOwnLabels;
  for (const Sample& sample : page.samples()) {
    for (const auto& [name, value] : sample.labels) names.insert(name);
  }
  return names;
}

}  // namespace

Query read_query(const std::string& promql) { return Reader(promql).read(); }

std::vector<std::string> faults_of(const std::string& promql,
                                   const MetricsPage& page,
                                   const std::set<std::string>& recorded) {
  std::vector<std::string> faults;
  const Query query = read_query(promql);
  for (const Selector& selector : query.selectors) {
    const std::string& metric = selector.metric;
    if (kOwnSeries.contains(metric) || recorded.contains(metric)) continue;
    if (auto fault = fault_of(selector, page)) faults.push_back(*fault);
  }
  const Words known = labels_of(page);
  for (const std::string& label : query.labels) {
    if (!known.contains(label)) faults.push_back("no label is called " + label);
  }
  return faults;
}

}  // namespace dbpool::test
