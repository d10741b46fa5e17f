#include "exporter/metrics/config_reload.h"

namespace dbpool::exporter {

void ConfigReloadMetrics::tell(metrics::Sink& sink) const {
  const ReloadStatus status = ask_();
  sink.add(metrics::kConfigReloadSuccessful, {}, status.successful ? 1 : 0);
  sink.add(metrics::kConfigReloadSuccessTime, {},
           metrics::seconds(status.last_success.time_since_epoch()));
}

}  // namespace dbpool::exporter
