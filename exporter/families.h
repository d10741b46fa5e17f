// Small helpers that build prometheus families from metric_names.h.
//
// Thread-safety: free functions on values.
#ifndef DBPOOL_EXPORTER_FAMILIES_H_
#define DBPOOL_EXPORTER_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/stats.h"
#include "exporter/metric_names.h"

namespace dbpool::metrics {

using Family = ::prometheus::MetricFamily;
using Labels = std::vector<::prometheus::ClientMetric::Label>;

inline double seconds(std::chrono::nanoseconds duration) noexcept {
  return std::chrono::duration<double>(duration).count();
}

// An empty family. Families without metrics are left off the page.
Family make_family(const MetricInfo& info);

// Adds one series. The family's type decides what `value` is: a counter or a
// gauge.
void add(Family& family, Labels labels, double value);

// Adds one histogram series: cumulative buckets, the last one +Inf, the sum
// in seconds.
void add(Family& family, Labels labels, const HistogramSnapshot& histogram);

// A copy of `labels` with one more, its value made valid UTF-8.
Labels with(const Labels& labels, std::string_view name,
            std::string_view value);

}  // namespace dbpool::metrics

#endif  // DBPOOL_EXPORTER_FAMILIES_H_
