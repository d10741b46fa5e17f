#ifndef DBPOOL_TESTS_ALERTS_PROMQL_H_
#define DBPOOL_TESTS_ALERTS_PROMQL_H_

#include <set>
#include <string>
#include <vector>

#include "tests/e2e/metrics_page.h"

namespace dbpool::test {

struct Matcher {
  std::string label;
  std::string op;  // "=", "!=", "=~" or "!~"
  std::string value;
};

struct Selector {
  std::string metric;
  std::string function;  // whose argument it is; empty for none
  bool is_offset = false;
  std::vector<Matcher> matchers = {};
};

// What a query in PromQL is about: which series it selects, and which labels
// it groups, aggregates or matches by.
struct Query {
  std::vector<Selector> selectors;
  std::set<std::string> labels;
};

// For queries that Prometheus takes; of others it reads what it can. Takes
// Grafana's label_values(selector, label) and variables too.
Query read_query(const std::string& promql);

// What makes a query senseless on a live page: a metric, label or value of a
// label that it does not have, rate() of a gauge, a counter without rate().
// Recorded series must be among `recorded`.
std::vector<std::string> faults_of(const std::string& promql,
                                   const MetricsPage& page,
                                   const std::set<std::string>& recorded);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_ALERTS_PROMQL_H_
