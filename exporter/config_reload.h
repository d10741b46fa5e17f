// How the last reading of a configuration file went, for the metrics page.
#ifndef DBPOOL_EXPORTER_CONFIG_RELOAD_H_
#define DBPOOL_EXPORTER_CONFIG_RELOAD_H_

#include <prometheus/collectable.h>

#include <chrono>
#include <functional>
#include <vector>

namespace dbpool::exporter {

struct ReloadStatus {
  bool successful = true;  // the last one, be it that of the start
  std::chrono::system_clock::time_point last_success;
};

// dbpool_exporter_config_last_reload_*. Thread-safety: any thread, as `ask`
// is called from any.
class ConfigReloadCollector : public ::prometheus::Collectable {
 public:
  explicit ConfigReloadCollector(std::function<ReloadStatus()> ask);

  // The name is prometheus-cpp's.
  std::vector<::prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<ReloadStatus()> ask_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_CONFIG_RELOAD_H_
