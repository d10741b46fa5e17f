// The server's own metrics: dbpool_exporter_http_*.
#ifndef DBPOOL_EXPORTER_HTTP_HTTP_METRICS_H_
#define DBPOOL_EXPORTER_HTTP_HTTP_METRICS_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dbpool/options.h"
#include "exporter/metrics/histogram.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

// The label `handler` of what reached no route.
inline constexpr std::string_view kOtherHandler = "other";

// The label values are closed: `handler` is one of the names given at
// construction or "other", `code` one of the codes that the program sends.
//
// Thread-safety: any thread.
class HttpMetrics final : public metrics::Source {
 public:
  explicit HttpMetrics(const std::vector<std::string>& handlers);

  void begin() noexcept { in_flight_.fetch_add(1); }
  void end() noexcept { in_flight_.fetch_sub(1); }
  // One answer. A handler that is not known counts as "other".
  void count(std::string_view handler, int code, Duration duration);

  void tell(metrics::Sink& sink) const override;

 private:
  // The keys are constant after construction.
  std::map<std::string, std::unique_ptr<Histogram>, std::less<>> durations_;

  std::atomic<std::int64_t> in_flight_{0};

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_HTTP_HTTP_METRICS_H_
