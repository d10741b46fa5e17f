// The standard process_* metrics, from /proc.
#ifndef DBPOOL_EXPORTER_PROCESS_METRICS_H_
#define DBPOOL_EXPORTER_PROCESS_METRICS_H_

#include <prometheus/collectable.h>

#include <optional>
#include <string>
#include <vector>

namespace dbpool::exporter {

// Reads /proc at each collection. What cannot be read is left out.
//
// Thread-safety: any thread.
class ProcessCollector : public ::prometheus::Collectable {
 public:
  // `proc` stands in for /proc in tests.
  explicit ProcessCollector(const std::string& proc = "/proc");
  ~ProcessCollector() override;
  ProcessCollector(const ProcessCollector&) = delete;
  ProcessCollector& operator=(const ProcessCollector&) = delete;

  // The name is prometheus-cpp's.
  std::vector<::prometheus::MetricFamily> Collect() const override;

 private:
  // Constant after construction.
  const std::string fd_path_;
  // Opened once, asked at each collection; -1: not to be had.
  const int fd_folder_;
  const int stat_;
  const std::optional<double> boot_time_;  // Unix time in seconds
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROCESS_METRICS_H_
