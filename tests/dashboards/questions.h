#ifndef DBPOOL_TESTS_DASHBOARDS_QUESTIONS_H_
#define DBPOOL_TESTS_DASHBOARDS_QUESTIONS_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace dbpool::test {

// A query of a dashboard, of a panel or an annotation.
struct Question {
  std::string where;
  std::string expr;
  std::string legend = {};
  bool is_instant = false;
};

// The committed dashboards.
std::vector<nlohmann::json> read_dashboards();
std::vector<Question> questions_of(const nlohmann::json& dashboard);

// Values of a dashboard's variables, "__rate_interval" among them.
using Choice = std::map<std::string, std::string>;

// The text with each $variable replaced.
std::string substituted(std::string text, const Choice& choice);

// How Grafana writes values into a query where several may be chosen.
std::string chosen(const std::vector<std::string>& values);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_DASHBOARDS_QUESTIONS_H_
