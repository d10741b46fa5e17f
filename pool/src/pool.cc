#include "dbpool/pool.h"

#include <utility>

#include "pool/src/pool_core.h"

namespace dbpool {

Expected<Pool> Pool::create(ConnectionString target, PoolOptions options,
                            std::shared_ptr<EventSink> sink) {
  auto core = detail::PoolCore::create(std::move(target), std::move(options),
                                       std::move(sink));
  if (!core) return Unexpected(std::move(core.error()));
  return Pool(std::move(*core));
}

Pool::Pool(std::shared_ptr<detail::PoolCore> core) noexcept
    : core_(std::move(core)) {}

Pool& Pool::operator=(Pool&& other) noexcept {
  if (this != &other) {
    if (core_) core_->shut_down();
    core_ = std::move(other.core_);
  }
  return *this;
}

Pool::~Pool() {
  if (core_) core_->shut_down();
}

Expected<Lease> Pool::acquire(const AcquireOptions& options,
                              std::source_location where) {
  return core_->acquire(options, where);
}

void Pool::start_acquire(const AcquireOptions& options,
                         std::source_location where,
                         detail::CompletionPtr<Expected<Lease>> completion) {
  core_->start_acquire(options, where, std::move(completion));
}

void Pool::start_execute(std::string name, std::string sql, Params params,
                         const ExecuteOptions& options,
                         detail::CompletionPtr<Expected<Rows>> completion) {
  core_->start_execute(std::move(name), std::move(sql), std::move(params),
                       options, std::move(completion));
}

PoolStats Pool::stats() const { return core_->stats(); }

PoolStats Pool::stats_without_queries() const {
  return core_->stats_without_queries();
}

std::vector<ConnectionStats> Pool::connections() const {
  return core_->connections();
}

Expected<void> Pool::resize(std::uint32_t min_connections,
                            std::uint32_t max_connections) {
  return core_->resize(min_connections, max_connections);
}

Expected<void> Pool::reconfigure(const PoolOptions& options) {
  return core_->reconfigure(options);
}

Expected<void> Pool::retarget(ConnectionString target) {
  return core_->retarget(std::move(target));
}

CloseReport Pool::close(TimePoint deadline) { return core_->close(deadline); }

const std::string& Pool::name() const noexcept { return core_->name(); }

PoolOptions Pool::options() const { return core_->setup()->options; }

ConnectionString Pool::target() const { return *core_->setup()->target; }

}  // namespace dbpool
