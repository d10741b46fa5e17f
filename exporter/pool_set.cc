#include "exporter/pool_set.h"

#include <algorithm>

namespace dbpool::exporter {

void PoolSet::set(std::vector<PoolPtr> pools) {
  const std::lock_guard lock(mutex_);
  pools_.swap(pools);  // those that were go after the lock
}

std::vector<PoolSet::PoolPtr> PoolSet::all() const {
  const std::lock_guard lock(mutex_);
  return pools_;
}

std::vector<ReportPtr> PoolSet::reports() const {
  std::vector<ReportPtr> reports;
  for (const PoolPtr& pool : all()) {
    for (ReportPtr& report : pool->reports()) {
      reports.push_back(std::move(report));
    }
  }
  std::ranges::sort(reports, std::ranges::greater(),
                    [](const ReportPtr& report) { return report->number; });
  return reports;
}

std::vector<std::uint64_t> PoolSet::ask_for_reports(
    std::optional<std::string_view> name) const {
  std::vector<std::uint64_t> numbers;
  for (const PoolPtr& pool : all()) {
    if (name && pool->name() != *name) continue;
    numbers.push_back(pool->ask_for_report());
  }
  return numbers;
}

void PoolSet::tell(metrics::Sink& sink) const {
  for (const PoolPtr& pool : all()) pool->tell(sink);
}

}  // namespace dbpool::exporter
