#ifndef DBPOOL_TESTS_ALERTS_RULES_H_
#define DBPOOL_TESTS_ALERTS_RULES_H_

#include <string>

namespace dbpool::test {

// What alerts/generate prints with this --time-scale.
std::string generated_rules(int time_scale);

}  // namespace dbpool::test

#endif  // DBPOOL_TESTS_ALERTS_RULES_H_
