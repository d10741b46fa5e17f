// Families as the text that Prometheus scrapes.
#ifndef DBPOOL_EXPORTER_HTTP_TEXT_FORMAT_H_
#define DBPOOL_EXPORTER_HTTP_TEXT_FORMAT_H_

#include <prometheus/metric_family.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace dbpool::exporter {

inline constexpr std::string_view kPrometheusText =
    "text/plain; version=0.0.4; charset=utf-8";

// Text format 0.0.4. Families of one name are put together under one HELP
// and TYPE, in the place of the first; families without metrics are left
// out. HELP and label values are escaped; invalid UTF-8 is spelled out.
// `expected_size` in bytes spares the page from growing step by step.
std::string to_prometheus_text(
    const std::vector<::prometheus::MetricFamily>& families,
    std::size_t expected_size = 0);

// A sample's value: whole numbers without exponent or point, others in the
// fewest digits that read back the same, "+Inf", "-Inf", "NaN".
std::string to_prometheus_number(double value);

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_TEXT_FORMAT_H_
