#include "tests/e2e/metrics_page.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace dbpool::test {

namespace {

[[noreturn]] void bad_line(const std::string& line) {
  throw std::runtime_error("not a line of a metrics page: " + line);
}

// The labels that start after '{' at `at`; leaves `at` behind the '}'.
LabelMap parse_labels(const std::string& line, std::size_t& at) {
  LabelMap labels;
  while (line.at(at) != '}') {
    const std::size_t equals = line.find("=\"", at);
    if (equals == std::string::npos) bad_line(line);
    const std::string name = line.substr(at, equals - at);
    std::string value;
    for (at = equals + 2; line.at(at) != '"'; ++at) {
      if (line[at] == '\\') {
        ++at;
        value += line.at(at) == 'n' ? '\n' : line.at(at);
      } else {
        value += line[at];
      }
    }
    if (!labels.emplace(name, value).second) bad_line(line);
    if (line.at(++at) == ',') ++at;
  }
  ++at;
  return labels;
}

bool includes(const LabelMap& all, const LabelMap& some) {
  return std::ranges::all_of(some, [&](const auto& label) {
    const auto found = all.find(label.first);
    return found != all.end() && found->second == label.second;
  });
}

}  // namespace

MetricsPage::MetricsPage(const std::string& text) : text_(text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) parse_line(line);
}

void MetricsPage::parse_line(const std::string& line) {
  if (line.starts_with("# TYPE ")) {
    std::istringstream words(line.substr(7));
    std::string name, type;
    words >> name >> type;
    if (!types_.emplace(name, type).second) bad_line(line);
    return;
  }
  if (line.empty() || line[0] == '#') return;
  try {
    std::size_t at = line.find_first_of("{ ");
    Sample sample{line.substr(0, at), {}, 0};
    if (line.at(at) == '{') sample.labels = parse_labels(line, ++at);
    sample.value = std::stod(line.substr(at));
    samples_.push_back(std::move(sample));
  } catch (const std::logic_error&) {  // from at() or stod()
    bad_line(line);
  }
}

std::string MetricsPage::type(const std::string& name) const {
  const auto found = types_.find(name);
  return found == types_.end() ? "" : found->second;
}

std::vector<Sample> MetricsPage::all(const std::string& name) const {
  std::vector<Sample> found;
  for (const Sample& sample : samples_) {
    if (sample.name == name) found.push_back(sample);
  }
  return found;
}

std::optional<double> MetricsPage::value(const std::string& name,
                                         const LabelMap& labels) const {
  std::optional<double> found;
  for (const Sample& sample : samples_) {
    if (sample.name != name || !includes(sample.labels, labels)) continue;
    if (found) return std::nullopt;
    found = sample.value;
  }
  return found;
}

double MetricsPage::sum(const std::string& name, const LabelMap& labels) const {
  double sum = 0;
  for (const Sample& sample : samples_) {
    if (sample.name == name && includes(sample.labels, labels)) {
      sum += sample.value;
    }
  }
  return sum;
}

std::set<std::string> MetricsPage::label_values(
    const std::string& name, const std::string& label) const {
  std::set<std::string> values;
  for (const Sample& sample : all(name)) {
    const auto found = sample.labels.find(label);
    if (found != sample.labels.end()) values.insert(found->second);
  }
  return values;
}

}  // namespace dbpool::test
