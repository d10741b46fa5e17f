// The standard process_* metrics, from /proc.
#ifndef DBPOOL_EXPORTER_PROCESS_METRICS_H_
#define DBPOOL_EXPORTER_PROCESS_METRICS_H_

#include <prometheus/collectable.h>

#include <string>
#include <vector>

namespace dbpool::exporter {

// Reads /proc once for each collection. What cannot be read is left out.
//
// Thread-safety: any thread.
class ProcessCollector : public ::prometheus::Collectable {
 public:
  // `proc` stands in for /proc in tests.
  explicit ProcessCollector(std::string proc = "/proc");

  // The name is prometheus-cpp's.
  std::vector<::prometheus::MetricFamily> Collect() const override;

 private:
  const std::string proc_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_PROCESS_METRICS_H_
