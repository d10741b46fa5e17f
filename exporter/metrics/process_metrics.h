// The standard process_* metrics.
#ifndef DBPOOL_EXPORTER_METRICS_PROCESS_METRICS_H_
#define DBPOOL_EXPORTER_METRICS_PROCESS_METRICS_H_

#include <optional>
#include <string>

#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

// Asks the kernel at each scrape, in the cheapest way there is: a whole
// /proc/self/stat costs as much as the page of a pool. What cannot be known
// is left out.
//
// Thread-safety: any thread.
class ProcessMetrics final : public metrics::Source {
 public:
  // `proc` stands in for /proc in tests.
  explicit ProcessMetrics(const std::string& proc = "/proc");
  ~ProcessMetrics() override;
  ProcessMetrics(const ProcessMetrics&) = delete;
  ProcessMetrics& operator=(const ProcessMetrics&) = delete;

  void tell(metrics::Sink& sink) const override;

 private:
  // Constant after construction.
  const std::string fd_path_;
  // Opened once, asked at each scrape; -1: not to be had.
  const int fd_folder_;
  const int task_folder_;
  const int statm_;
  const std::optional<double> start_time_;  // Unix time in seconds
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_METRICS_PROCESS_METRICS_H_
