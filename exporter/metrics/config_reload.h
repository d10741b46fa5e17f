// How the last reading of a configuration file went, for the metrics page.
#ifndef DBPOOL_EXPORTER_METRICS_CONFIG_RELOAD_H_
#define DBPOOL_EXPORTER_METRICS_CONFIG_RELOAD_H_

#include <chrono>
#include <functional>
#include <utility>

#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

struct ReloadStatus {
  bool successful = true;  // the last one, be it that of the start
  std::chrono::system_clock::time_point last_success;
};

// dbpool_exporter_config_last_reload_*. Thread-safety: any thread, as `ask`
// is called from any.
class ConfigReloadMetrics final : public metrics::Source {
 public:
  explicit ConfigReloadMetrics(std::function<ReloadStatus()> ask)
      : ask_(std::move(ask)) {}

  void tell(metrics::Sink& sink) const override;

 private:
  const std::function<ReloadStatus()> ask_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_METRICS_CONFIG_RELOAD_H_
