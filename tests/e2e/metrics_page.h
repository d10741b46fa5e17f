#ifndef DBPOOL_TESTS_E2E_METRICS_PAGE_H_
#define DBPOOL_TESTS_E2E_METRICS_PAGE_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace dbpool::test {

using LabelMap = std::map<std::string, std::string>;

struct Sample {
  std::string name;
  LabelMap labels;
  double value = 0;
};

// A page in Prometheus' text format, as a scraper reads it. Values are as
// parsed; a line that is neither comment nor sample throws
// std::runtime_error.
class MetricsPage {
 public:
  explicit MetricsPage(const std::string& text);

  const std::string& text() const { return text_; }
  const std::vector<Sample>& samples() const { return samples_; }
  // "counter", "gauge" …; empty when the page has no such family.
  std::string type(const std::string& name) const;

  // All samples of one name (for a histogram with its suffix).
  std::vector<Sample> all(const std::string& name) const;
  // The sample whose labels include `labels`; nullopt unless there is
  // exactly one.
  std::optional<double> value(const std::string& name,
                              const LabelMap& labels = {}) const;
  // The sum over all samples whose labels include `labels`; 0 for none.
  double sum(const std::string& name, const LabelMap& labels = {}) const;
  // The values that a label takes.
  std::set<std::string> label_values(const std::string& name,
                                     const std::string& label) const;

 private:
  void parse_line(const std::string& line);

  std::string text_;
  std::map<std::string, std::string> types_;
  std::vector<Sample> samples_;
};

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_E2E_METRICS_PAGE_H_
