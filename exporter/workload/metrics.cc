#include "exporter/workload/metrics.h"

#include <algorithm>
#include <utility>

#include "exporter/metrics/metric_names.h"

namespace dbpool::exporter {
namespace {

constexpr std::size_t kOther = kWorkloadFailureCount - 1;

}  // namespace

std::size_t workload_failure(const Error& error) noexcept {
  if (error.acquire_failure) {
    return static_cast<std::size_t>(*error.acquire_failure);
  }
  if (error.kind == ErrorKind::kCancelled) {
    return static_cast<std::size_t>(AcquireFailure::kCancelled);
  }
  if (error.statement_failure) {
    return kAcquireFailureCount +
           static_cast<std::size_t>(*error.statement_failure);
  }
  return kOther;
}

std::string_view workload_failure_name(std::size_t failure) noexcept {
  if (failure < kAcquireFailureCount) {
    return to_string(static_cast<AcquireFailure>(failure));
  }
  if (failure < kOther) {
    return to_string(
        static_cast<StatementFailure>(failure - kAcquireFailureCount));
  }
  return "other";
}

WorkloadMetrics::WorkloadMetrics(std::string pool,
                                 std::vector<std::string> workloads,
                                 const WorkloadMetrics* before)
    : pool_(std::move(pool)) {
  workloads_.reserve(workloads.size());
  for (std::string& name : workloads) {
    std::shared_ptr<Counted> counted;
    if (before != nullptr) {
      const auto& others = before->workloads_;
      const auto same = std::ranges::find(
          others, name, [](const auto& each) { return each->name; });
      if (same != others.end()) counted = *same;
    }
    if (!counted) {
      counted = std::make_shared<Counted>();
      counted->name = std::move(name);
    }
    workloads_.push_back(std::move(counted));
  }
}

void WorkloadMetrics::finished(std::size_t workload, Duration duration,
                               std::optional<std::size_t> failure) noexcept {
  Counted& counted = *workloads_[workload];
  counted.duration.observe(duration);
  if (failure) counted.failures[*failure].fetch_add(1);
}

void WorkloadMetrics::started(std::size_t workload, Duration lag) noexcept {
  workloads_[workload]->lag.observe(lag);
}

void WorkloadMetrics::skipped(std::size_t workload) noexcept {
  workloads_[workload]->skipped.fetch_add(1);
}

std::uint64_t WorkloadMetrics::total_finished() const noexcept {
  std::uint64_t total = 0;
  for (const auto& counted : workloads_) {
    total += counted->duration.snapshot().count();
  }
  return total;
}

std::uint64_t WorkloadMetrics::total_failed() const noexcept {
  std::uint64_t total = 0;
  for (const auto& counted : workloads_) {
    for (const auto& failures : counted->failures) total += failures.load();
  }
  return total;
}

std::uint64_t WorkloadMetrics::total_skipped() const noexcept {
  std::uint64_t total = 0;
  for (const auto& counted : workloads_) total += counted->skipped.load();
  return total;
}

void WorkloadMetrics::tell(metrics::Sink& sink) const {
  for (const auto& counted : workloads_) {
    const metrics::Label pool{"pool", pool_};
    const metrics::Label workload{"workload", counted->name};
    // Failures before the requests that hold them: never more than those.
    for (std::size_t i = 0; i < kWorkloadFailureCount; ++i) {
      sink.add(metrics::kWorkloadFailures,
               {pool, workload, {"reason", workload_failure_name(i)}},
               static_cast<double>(counted->failures[i].load()));
    }
    // The requests are the duration's count, so that both always agree.
    const HistogramSnapshot duration = counted->duration.snapshot();
    sink.add(metrics::kWorkloadRequests, {pool, workload},
             static_cast<double>(duration.count()));
    sink.add(metrics::kWorkloadDuration, {pool, workload}, duration);
    sink.add(metrics::kWorkloadLag, {pool, workload}, counted->lag.snapshot());
    sink.add(metrics::kWorkloadSkipped, {pool, workload},
             static_cast<double>(counted->skipped.load()));
  }
}

}  // namespace dbpool::exporter
