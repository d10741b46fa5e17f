// PoolSet: the pools that there are.
#ifndef DBPOOL_EXPORTER_POOL_SET_H_
#define DBPOOL_EXPORTER_POOL_SET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/metrics/metric_sink.h"
#include "exporter/monitored_pool.h"

namespace dbpool::exporter {

// Thread-safety: any thread. A pool that is taken out lives on until whoever
// looks at it is done.
class PoolSet final : public metrics::Source {
 public:
  using PoolPtr = std::shared_ptr<MonitoredPool>;

  // All of them from now on, in the order in which they are shown.
  void set(std::vector<PoolPtr> pools);
  std::vector<PoolPtr> all() const;

  // What `ask` says of each.
  template <typename Ask>
  auto each(const Ask& ask) const {
    std::vector<std::decay_t<std::invoke_result_t<Ask, MonitoredPool&>>>
        answers;
    for (const PoolPtr& pool : all())
      answers.push_back(std::invoke(ask, *pool));
    return answers;
  }

  // Of all pools, the newest first.
  std::vector<ReportPtr> reports() const;
  // Has a report taken soon of the pool of that name, or of each; their
  // numbers, none when there is no such pool.
  std::vector<std::uint64_t> ask_for_reports(
      std::optional<std::string_view> name) const;

  void tell(metrics::Sink& sink) const override;

 private:
  mutable std::mutex mutex_;
  std::vector<PoolPtr> pools_;  // guarded by mutex_
};

}  // namespace dbpool::exporter

#endif  // DBPOOL_EXPORTER_POOL_SET_H_
