#ifndef DBPOOL_TESTS_BENCH_GROWTH_CHART_H_
#define DBPOOL_TESTS_BENCH_GROWTH_CHART_H_

#include <string>
#include <vector>

#include "tests/bench/growth/points.h"

namespace dbpool::bench {

// The curves as an SVG: a row for each, a column for each measure, both axes
// logarithmic and the vertical one the same all down a column, so that a
// straight line that rises by a decade for a decade is proportional growth.
// Readable on light and on dark pages.
std::string svg_of(const std::vector<Curve>& curves);

}  // namespace dbpool::bench

#endif  // DBPOOL_TESTS_BENCH_GROWTH_CHART_H_
