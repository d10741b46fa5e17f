// Metrics as the text that Prometheus scrapes.
#ifndef DBPOOL_EXPORTER_HTTP_TEXT_PAGE_H_
#define DBPOOL_EXPORTER_HTTP_TEXT_PAGE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "exporter/http/text_buffer.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

inline constexpr std::string_view kPrometheusText =
    "text/plain; version=0.0.4; charset=utf-8";

// Text format 0.0.4. Each sample is written as it is told, behind the others
// of its metric, which has one HELP and TYPE. HELP and label values are
// escaped; invalid UTF-8 is spelled out. A sample's value: whole numbers
// without exponent or point, others in the fewest digits that read back the
// same, "+Inf", "-Inf", "NaN".
//
// Keep a page between scrapes: it keeps its memory, and writing into memory
// that is there is most of what makes a scrape cheap.
class TextPage final : public metrics::Sink {
 public:
  TextPage() = default;
  TextPage(const TextPage&) = delete;
  TextPage& operator=(const TextPage&) = delete;

  // `info` must outlive the page.
  void add(const metrics::MetricInfo& info, metrics::Labels labels,
           double value) override;
  void add(const metrics::MetricInfo& info, metrics::Labels labels,
           const HistogramSnapshot& histogram) override;

  // What was told so far; forgets it.
  std::string take();

 private:
  struct Section {
    const metrics::MetricInfo* info;
    TextBuffer text;  // empty: not on this page
  };

  TextBuffer& section(const metrics::MetricInfo& info);

  std::vector<Section> sections_;
  std::unordered_map<const metrics::MetricInfo*, std::size_t> places_;
  std::vector<std::size_t> order_;  // of the sections on this page
  std::size_t latest_ = 0;          // the section that was written last
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_TEXT_PAGE_H_
