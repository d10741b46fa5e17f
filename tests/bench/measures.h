#ifndef DBPOOL_TESTS_BENCH_MEASURES_H_
#define DBPOOL_TESTS_BENCH_MEASURES_H_

#include <string>
#include <vector>

namespace dbpool::bench {

// Nearest rank; `share` from 0 to 1. `values` must not be empty.
double quantile(std::vector<double> values, double share);

struct Interval {
  double mean = 0;
  double half_width = 0;  // of the 95 % confidence interval
};

// Student's t. At least two values.
Interval confidence(const std::vector<double>& values);

// The sum of all samples of `name` on a page of metrics.
double sum_of(const std::string& page, const std::string& name);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_MEASURES_H_
