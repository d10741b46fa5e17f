// WorkloadMetrics: what became of the requests of a workload, by statement.
//
// Thread-safety: every member function is safe from any number of threads.
#ifndef DBPOOL_EXPORTER_WORKLOAD_METRICS_H_
#define DBPOOL_EXPORTER_WORKLOAD_METRICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dbpool/error.h"
#include "dbpool/options.h"
#include "exporter/metrics/histogram.h"
#include "exporter/metrics/metric_sink.h"

namespace dbpool::exporter {

// The label `reason` of dbpool_workload_failures_total, a closed set: every
// reason of dbpool_acquire_failures_total (there was no lease), then
// `timeout`, `connection_lost`, `server_error` as for
// dbpool_query_failures_total, then `other`. A request that stop() cancelled
// is `cancelled`, whether it waited or ran.
inline constexpr std::size_t kWorkloadFailureCount =
    kAcquireFailureCount + kStatementFailureCount + 1;
std::size_t workload_failure(const Error& error) noexcept;
std::string_view workload_failure_name(std::size_t failure) noexcept;

class WorkloadMetrics final : public metrics::Source {
 public:
  // `before`, if any: counts go on from there for workloads of the same name,
  // in that one as well.
  WorkloadMetrics(std::string pool, std::vector<std::string> workloads,
                  const WorkloadMetrics* before = nullptr);

  // A request has ended. `duration` from its scheduled start, the hold
  // included; `failure` from workload_failure(), or nullopt.
  void finished(std::size_t workload, Duration duration,
                std::optional<std::size_t> failure) noexcept;
  // A scheduled request has started, so much after it was due.
  void started(std::size_t workload, Duration lag) noexcept;
  // A scheduled request was dropped.
  void skipped(std::size_t workload) noexcept;

  // Sums over the workloads.
  std::uint64_t total_finished() const noexcept;
  std::uint64_t total_failed() const noexcept;
  std::uint64_t total_skipped() const noexcept;

  void tell(metrics::Sink& sink) const override;

 private:
  struct Counted {
    std::string name;  // constant
    Histogram duration;
    Histogram lag;
    std::array<std::atomic<std::uint64_t>, kWorkloadFailureCount> failures = {};
    std::atomic<std::uint64_t> skipped = 0;
  };

  // Constant after construction.
  const std::string pool_;
  std::vector<std::shared_ptr<Counted>> workloads_;
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_WORKLOAD_METRICS_H_
