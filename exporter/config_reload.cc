#include "exporter/config_reload.h"

#include <utility>

#include "exporter/families.h"
#include "exporter/metric_names.h"

namespace dbpool::exporter {

ConfigReloadCollector::ConfigReloadCollector(std::function<ReloadStatus()> ask)
    : ask_(std::move(ask)) {}

std::vector<::prometheus::MetricFamily> ConfigReloadCollector::Collect() const {
  const ReloadStatus status = ask_();
  auto successful = metrics::make_family(metrics::kConfigReloadSuccessful);
  metrics::add(successful, {}, status.successful ? 1 : 0);
  auto timestamp = metrics::make_family(metrics::kConfigReloadSuccessTime);
  metrics::add(timestamp, {},
               metrics::seconds(status.last_success.time_since_epoch()));
  return {std::move(successful), std::move(timestamp)};
}

}  // namespace dbpool::exporter
