#include "exporter/probes/pooled_probe.h"

#include <algorithm>
#include <string>

namespace dbpool::exporter {

Expected<Lease> acquire_for_probe(Pool& pool, std::string_view name,
                                  TimePoint deadline,
                                  const std::stop_token& stop) {
  AcquireOptions options(
      std::min(deadline, Clock::now() + pool.options().acquire_timeout));
  options.tag = Tag("probe " + std::string(name));
  options.stop = stop;
  return pool.acquire(options);
}

}  // namespace dbpool::exporter
