// Each query of the dashboards returns data from a real Prometheus after the
// demo's load; broken on purpose, each is found. That their metrics and labels
// are those of a live page is in tests/alerts/names_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <regex>
#include <stdexcept>

#include "tests/alerts/promql.h"
#include "tests/dashboards/questions.h"
#include "tests/dashboards/stage.h"
#include "tests/support/eventually.h"

namespace dbpool::test {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::Not;
using Texts = std::vector<std::string>;

// A swing takes 24 s then.
constexpr int kDemoSpeed = 5;

// What is awaited happens within two swings, but on a machine that is stuck.
constexpr std::chrono::minutes kSwings{5};

const Choice kAll = {{"__rate_interval", "5s"},
                     {"job", ".+"},
                     {"instance", ".+"},
                     {"exporter", ".+"},
                     {"pool", ".+"}};

// The selector as it stands in the query.
std::string text_of(const Selector& selector) {
  std::string matchers;
  for (const auto& [label, op, value] : selector.matchers) {
    matchers.append(label).append(op).append("\"").append(value).append("\",");
  }
  return selector.metric + "{" + matchers + "}";
}

bool is_finite(const json& point) {
  return std::isfinite(std::stod(point.at(1).get<std::string>()));
}

bool has_number(const json& result) {
  return std::ranges::any_of(result, [](const json& series) {
    return series.contains("values")
               ? std::ranges::any_of(series.at("values"), is_finite)
               : is_finite(series.at("value"));
  });
}

// The labels of a legend that not all series have.
Texts missing_labels(const std::string& legend, const json& result) {
  static const std::regex label("\\{\\{(\\w+)\\}\\}");
  Texts missing;
  for (std::sregex_iterator at(legend.begin(), legend.end(), label), end;
       at != end; ++at) {
    const std::string name = at->str(1);
    if (std::ranges::any_of(result, [&](const json& series) {
          return !series.at("metric").contains(name);
        })) {
      missing.push_back("the legend's " + name + " is not in the result");
    }
  }
  return missing;
}

// The query with each of its selectors broken in turn: `what` in place of the
// brace that begins its labels.
std::vector<Question> broken(const Question& question, const char* what) {
  std::vector<Question> all;
  const std::string& expr = question.expr;
  for (std::size_t at = 0; (at = expr.find('{', at)) != std::string::npos;
       ++at) {
    all.push_back(question);
    all.back().expr.replace(at, 1, what);
  }
  return all;
}

class DashboardQueriesTest : public ::testing::Test {
 protected:
  std::vector<Question> all_questions() const {
    std::vector<Question> all;
    for (const json& dashboard : dashboards_) {
      std::ranges::move(questions_of(dashboard), std::back_inserter(all));
    }
    return all;
  }

  // Waits for what comes last of all that the queries are about: a probe that
  // fails in the exhausted pool, and an alert.
  bool load_is_felt() const {
    return eventually(
        kSwings,
        [this] {
          return stage_.prometheus().query_value(
                     "sum(rate(dbpool_probe_failures_total[5s])) > 0 and "
                     "on () ALERTS{alertstate=\"firing\","
                     "alertname=\"DbpoolCertificateExpiring\"}") > 0;
        },
        std::chrono::seconds(1));
  }

  // What is wrong with a query; none when it is good.
  Texts faults(const Question& question, const Choice& choice = kAll) const {
    const std::string expr = substituted(question.expr, choice);
    json result;
    try {
      const Prometheus& prometheus = stage_.prometheus();
      result = question.is_instant ? prometheus.query(expr)
                                   : prometheus.query_range(expr, stage_.age());
    } catch (const std::runtime_error& error) {
      return {error.what()};
    }
    Texts found = missing_labels(question.legend, result);
    if (!has_number(result)) found.emplace_back("returns no data");
    // A count of what should not be there is 0 without any series at all: so
    // each selector by itself must find some.
    for (const Selector& selector : read_query(question.expr).selectors) {
      const std::string text = text_of(selector);
      if (!has_series(substituted(text, choice)))
        found.push_back(text + " selects nothing");
    }
    return found;
  }

  bool has_series(const std::string& selector) const {
    return stage_.prometheus()
        .query_value("count(last_over_time(" + selector + "[1h]))")
        .has_value();
  }

  // Of a dashboard, each with where it is.
  Texts faults_of(const json& dashboard, const Choice& choice) const {
    Texts all;
    for (const Question& question : questions_of(dashboard)) {
      for (const std::string& fault : faults(question, choice)) {
        all.push_back(question.where + ": " + fault);
      }
    }
    return all;
  }

  // What Grafana offers for a variable: label_values(selector, label).
  Texts values_of(const std::string& query, const Choice& choice) const {
    static const std::regex form("label_values\\((.+), (\\w+)\\)");
    std::smatch match;
    if (!std::regex_match(query, match, form)) return {};
    const std::string label = match.str(2);
    Texts values;
    for (const json& series :
         stage_.prometheus().query("group by (" + label + ") (" +
                                   substituted(match.str(1), choice) + ")")) {
      values.push_back(series.at("metric").at(label));
    }
    return values;
  }

  // All that a dashboard offers, each value chosen by itself.
  Choice everything_chosen(const json& dashboard) const {
    Choice choice = kAll;
    for (const json& variable : dashboard.at("templating").at("list")) {
      if (variable.at("type") != "query") continue;
      const Texts values = values_of(variable.at("query"), choice);
      EXPECT_THAT(values, Not(IsEmpty())) << variable;
      choice[variable.at("name")] = chosen(values);
    }
    return choice;
  }

  // Those with a fault that is not found.
  Texts missed(const char* what) const {
    Texts all;
    for (const Question& question : all_questions()) {
      for (const Question& spoilt : broken(question, what)) {
        if (faults(spoilt).empty()) all.push_back(spoilt.expr);
      }
    }
    return all;
  }

  DashboardStage stage_{kDemoSpeed};
  const std::vector<json> dashboards_ = read_dashboards();
};

TEST_F(DashboardQueriesTest, EachReturnsDataAndEachBrokenOneIsFound) {
  ASSERT_TRUE(load_is_felt());
  EXPECT_GT(all_questions().size(), 110U);
  for (const json& dashboard : dashboards_) {
    EXPECT_THAT(faults_of(dashboard, kAll), IsEmpty());
    EXPECT_THAT(faults_of(dashboard, everything_chosen(dashboard)), IsEmpty());
  }

  EXPECT_THAT(missed("x{"), IsEmpty()) << "a metric that does not exist";
  EXPECT_THAT(missed(R"({pool="of another",)"), IsEmpty())
      << "a label's value that does not exist";
  EXPECT_THAT(missed("({"), IsEmpty()) << "a syntax error";
}

TEST(DashboardVariablesTest, AreTheSameOnAllButTheFleets) {
  const std::vector<json> dashboards = read_dashboards();
  for (const json& dashboard : dashboards) {
    if (dashboard.at("uid") == "dbpool-fleet") continue;
    EXPECT_EQ(dashboard.at("templating"), dashboards[0].at("templating"));
  }
}

TEST(DashboardVariablesTest, ChosenValuesAreEscapedAsGrafanaDoes) {
  EXPECT_EQ(chosen({"a"}), "(a)");
  EXPECT_EQ(chosen({"db.example:1", "b"}), R"((db\\.example:1|b))");
  EXPECT_EQ(substituted(R"(up{job=~"$job"}[$__rate_interval])",
                        {{"job", "x"}, {"__rate_interval", "5s"}}),
            R"(up{job=~"x"}[5s])");
}

}  // namespace
}  // namespace dbpool::test
