#ifndef DBPOOL_TESTS_ALERTS_RULES_H_
#define DBPOOL_TESTS_ALERTS_RULES_H_

#include <set>
#include <string>

namespace dbpool::test {

// What alerts/generate prints with this --time-scale.
std::string generated_rules(int time_scale);

// Metrics that the contract promises, that rules, runbooks and dashboards are
// about, and that no exporter has yet.
const std::set<std::string>& metrics_not_yet_there();

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_ALERTS_RULES_H_
